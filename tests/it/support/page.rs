//! A page as a reader sees it: parsed HTML, asked by CSS selectors.

use scraper::{ElementRef, Html, Selector};

pub struct Page(Html);

impl Page {
    /// Reads a page, or a part of one; rows get the table that they belong to.
    pub fn parse(html: &str) -> Self {
        let is_page = html.contains("<!doctype html>");
        if !is_page && html.contains("<tr") {
            return Self(Html::parse_document(&format!("<table><tbody>{html}</tbody></table>")));
        }
        Self(Html::parse_document(html))
    }

    fn all(&self, css: &str) -> Vec<ElementRef<'_>> {
        self.0.select(&Selector::parse(css).unwrap()).collect()
    }

    #[track_caller]
    fn one(&self, css: &str) -> ElementRef<'_> {
        let found = self.all(css);
        assert!(found.len() == 1, "{} elements match {css} in:\n{}", found.len(), self.0.html());
        found[0]
    }

    pub fn has(&self, css: &str) -> bool {
        !self.all(css).is_empty()
    }

    /// The text of the one element that matches, its white space made plain.
    #[track_caller]
    pub fn text(&self, css: &str) -> String {
        plain(self.one(css))
    }

    pub fn texts(&self, css: &str) -> Vec<String> {
        self.all(css).into_iter().map(plain).collect()
    }

    /// The text as it is, white space and all.
    #[track_caller]
    pub fn raw_text(&self, css: &str) -> String {
        self.one(css).text().collect()
    }

    #[track_caller]
    pub fn attr(&self, css: &str, name: &str) -> String {
        let element = self.one(css);
        element.value().attr(name).unwrap_or_else(|| panic!("{css} has no {name}: {}", element.html())).to_owned()
    }

    pub fn attrs(&self, css: &str, name: &str) -> Vec<String> {
        self.all(css).into_iter().filter_map(|element| element.value().attr(name)).map(str::to_owned).collect()
    }

    /// Every attribute that begins with a slash, but for the values of fields: the address of
    /// something on this host.
    pub fn rooted(&self) -> Vec<(&str, &str)> {
        let elements = self.all("*");
        let attributes = elements.into_iter().flat_map(|element| element.value().attrs());
        attributes.filter(|(name, value)| value.starts_with('/') && *name != "value").collect()
    }

    /// The names in the table of keys, from the top.
    pub fn rows(&self) -> Vec<String> {
        self.texts(".api-key .api-key__name > bdi")
    }

    /// The messages at the top right.
    pub fn toasts(&self) -> Vec<String> {
        self.texts(".toast__text").into_iter().filter(|text| !text.starts_with("Keyfob did not answer")).collect()
    }

    /// What a browser would send with the form that has the field `name`.
    #[track_caller]
    pub fn field(&self, name: &str) -> String {
        let element = self.one(&format!("input[name={name}], textarea[name={name}]"));
        match element.value().name() {
            // The parser drops a line break right after the tag, as browsers do.
            "textarea" => element.text().collect(),
            _ => element.value().attr("value").unwrap_or_default().to_owned(),
        }
    }
}

fn plain(element: ElementRef<'_>) -> String {
    element.text().collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ")
}
