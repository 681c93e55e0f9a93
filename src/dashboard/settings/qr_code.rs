//! A QR code as the path of an inline SVG.

use std::fmt::Write as _;

use qrcodegen::{QrCode, QrCodeEcc};
use zeroize::Zeroizing;

use crate::error::{Error, Result};

/// The white edge that scanners need around the code, in squares.
const EDGE: i32 = 4;

/// A QR code to draw.
pub(super) struct QrImage {
    /// Its width and height with the edge, in squares.
    pub(super) size: i32,
    /// The dark squares, as the `d` of a path.
    pub(super) path: Zeroizing<String>,
}

impl QrImage {
    /// The code of a text.
    pub(super) fn of(text: &str) -> Result<Self> {
        let code = QrCode::encode_text(text, QrCodeEcc::Medium).map_err(Error::internal)?;
        let mut path = Zeroizing::new(String::new());
        for y in 0..code.size() {
            // One stroke for each run of dark squares: seams between squares would show.
            let mut x = 0;
            while x < code.size() {
                let run = (x..code.size()).take_while(|at| code.get_module(*at, y)).count();
                if run > 0 {
                    let at = (x + EDGE, y + EDGE);
                    write!(path, "M{} {}h{run}v1h-{run}z", at.0, at.1).map_err(Error::internal)?;
                }
                x += i32::try_from(run.max(1)).map_err(Error::internal)?;
            }
        }
        let size = code.size() + 2 * EDGE;
        Ok(Self { size, path })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_squares_that_every_code_has_in_its_corners_are_drawn_within_the_edge() {
        let image = QrImage::of("otpauth://totp/Keyfob:ada?secret=GEZDGNBV").unwrap();

        assert!(image.path.starts_with("M4 4h7v1h-7z"), "{}", *image.path);
        assert_eq!(image.size, 29 + 2 * EDGE);
        let right = image.size - EDGE - 7;
        assert!(image.path.contains(&format!("M{right} 4h7v1h-7z")), "{}", *image.path);
    }
}
