# syntax=docker/dockerfile:1
# An image with one static program in it, and nothing else: no shell, no libraries.
#
#     docker build --tag keyfob .
#     docker build --tag keyfob --build-arg REGISTRY=registry.example.com/mirror/ .

# Where the compiler's image comes from, with a slash at the end; empty is the engine's own default.
ARG REGISTRY=
ARG RUST_VERSION=1.95

# Alpine's C library is musl, with which Rust links everything into the program.
FROM ${REGISTRY}rust:${RUST_VERSION}-alpine AS build
WORKDIR /keyfob
COPY . .
# The caches keep what was downloaded and compiled for the next build, and are in no image. The addresses that a program
# adjusts when it is loaded are packed, as in deploy/build; it must start to be shipped.
RUN --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,target=/keyfob/target,sharing=locked \
    cargo dist -C link-arg=-Wl,-z,pack-relative-relocs \
    && target/dist/keyfob --version \
    && install -D -m 755 target/dist/keyfob /image/keyfob \
    && mkdir /image/data

FROM scratch
ARG VERSION=0.2.0
LABEL org.opencontainers.image.title="Keyfob" \
      org.opencontainers.image.description="Self-hosted API keys for your services, SMS first" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}"
COPY --from=build /image/keyfob /keyfob
# The user is a number, and stays this one: volumes belong to it.
COPY --from=build --chown=65532:65532 /image/data /data
USER 65532:65532
WORKDIR /data
VOLUME /data
ENV DATABASE_URL=sqlite:/data/keyfob.db \
    KEYFOB_LISTEN=0.0.0.0:8080
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=1m --start-interval=1s CMD ["/keyfob", "health"]
ENTRYPOINT ["/keyfob"]
CMD ["serve"]
