//! HTML to text: whatever comes, the text's offsets lead back into the markup.

#![no_main]

mod bounds;

use gainsay::model::{Markup, MarkupFormat};
use gainsay::text::clean::clean;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    bounds::begin();
    let markup = Markup { format: MarkupFormat::Html, body: String::from_utf8_lossy(data).into_owned() };
    let cleaned = clean(&markup);
    let mut before = (0, 0);
    for &(text, from) in &cleaned.offsets.0 {
        assert!(text >= before.0 && from >= before.1, "offsets go back");
        assert!(cleaned.text.is_char_boundary(text) && markup.body.is_char_boundary(from));
        before = (text, from);
    }
});
