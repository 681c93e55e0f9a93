{{- define "keyfob.fullname" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "keyfob.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "keyfob.labels" -}}
{{ include "keyfob.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{/* The address that people type, or nothing: the one of the settings, or else that of the ingress. */}}
{{- define "keyfob.publicUrl" -}}
{{- if hasKey .Values.settings "KEYFOB_PUBLIC_URL" -}}
{{- .Values.settings.KEYFOB_PUBLIC_URL -}}
{{- else if .Values.ingress.enabled -}}
{{- printf "%s://%s%s" (ternary "http" "https" (empty .Values.ingress.tlsSecret)) .Values.ingress.host (trimSuffix "/" .Values.ingress.path) -}}
{{- end -}}
{{- end -}}

{{/* Values that do not go together end the installation, each with the sentence that says why. */}}
{{- define "keyfob.check" -}}
{{- if not (has .Values.database (list "sqlite" "postgresql")) -}}
{{- fail (printf "database is sqlite or postgresql, not %q" .Values.database) -}}
{{- end -}}
{{- if and (eq .Values.database "sqlite") (ne (int .Values.replicaCount) 1) -}}
{{- fail "SQLite is one file of one instance: set replicaCount to 1, or database to postgresql" -}}
{{- end -}}
{{- if and (eq .Values.database "postgresql") (not (has "DATABASE_URL" .Values.secretSettings)) -}}
{{- fail "PostgreSQL needs its URL: put DATABASE_URL in a secret, name it in existingSecret, and add DATABASE_URL to secretSettings" -}}
{{- end -}}
{{- if and (eq .Values.database "sqlite") (has "DATABASE_URL" .Values.secretSettings) -}}
{{- fail "DATABASE_URL is a secret of PostgreSQL: set database to postgresql" -}}
{{- end -}}
{{- if and .Values.secretSettings (not .Values.existingSecret) -}}
{{- fail "secretSettings are read from a secret: name it in existingSecret" -}}
{{- end -}}
{{- if and .Values.ingress.enabled (not .Values.ingress.host) -}}
{{- fail "an ingress needs its name: set ingress.host" -}}
{{- end -}}
{{- if not (hasPrefix "/" .Values.ingress.path) -}}
{{- fail (printf "ingress.path begins with a slash, as in /keyfob, not %q" .Values.ingress.path) -}}
{{- end -}}
{{- end -}}
