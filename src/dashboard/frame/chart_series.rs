//! What a chart counts apart, and how it looks.

use crate::format::grouped;

/// How the bars of a series look. They differ without colour as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BarLook {
    /// Filled, in the colour of the product.
    Solid,
    /// With stripes, for what went wrong.
    Striped,
    /// With dots, for what needs attention.
    Dotted,
    /// An outline, for what is not decided or matters least.
    Outlined,
}

impl BarLook {
    /// Its name in the style sheet.
    #[must_use]
    pub const fn class(self) -> &'static str {
        match self {
            Self::Solid => "solid",
            Self::Striped => "striped",
            Self::Dotted => "dotted",
            Self::Outlined => "outlined",
        }
    }
}

/// What is counted apart.
#[derive(Debug, Clone, Copy)]
pub struct Series {
    /// After its number: `7 refused`.
    pub name: &'static str,
    /// How its bars look.
    pub look: BarLook,
}

impl Series {
    /// So many of it: `7 refused`.
    pub(super) fn counted(&self, number: i64) -> String {
        format!("{} {}", grouped(number.max(0)), self.name)
    }
}
