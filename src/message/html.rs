//! HTML bodies into text: lines in reading order, tables as aligned columns, quotes and signatures marked by their markup.
//!
//! One pass without a tree, so that the time is linear and no nesting is too deep. Link text is kept, addresses of links
//! are not. What is hidden from the reader (`display:none`, comments, scripts, styles) is left out.
//! Does not: make HTML safe to show; the pages do that with a sanitiser.
//! Limits: stated in [`lines`].

mod lines;
mod markup;

use super::quote::Line;
use lines::Writer;
pub use markup::{Piece, Tag, decode_entities, is_void, pieces};

/// The text of an HTML body.
pub fn to_text(html: &str) -> String {
    let mut text = String::with_capacity(html.len() / 2);
    for line in to_lines(html) {
        text.push_str(&line.text);
        text.push('\n');
    }
    text.truncate(text.trim_end().len());
    text
}

/// The lines of an HTML body with what their markup says of them.
pub(super) fn to_lines(html: &str) -> Vec<Line> {
    let mut writer = Writer::default();
    for piece in pieces(html) {
        match piece {
            Piece::Text(text) => writer.text(text),
            Piece::Tag(tag) => writer.tag(&tag),
        }
    }
    writer.finish()
}

/// Ids in `cid:` references of an HTML body.
pub(super) fn content_ids(html: &str) -> Vec<String> {
    let stop = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '>' | ')' | '<' | '&');
    html.split("cid:").skip(1).filter_map(|rest| rest.split(stop).next()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::{super::quote::Mark, *};

    #[test]
    fn html_becomes_text() {
        for (html, expected) in [
            ("", ""),
            ("plain < text & more", "plain < text & more"),
            ("<p>Hello</p><p>you</p>", "Hello\n\nyou"),
            ("<div>a</div><div><br></div><div>b</div>", "a\n\nb"),
            ("a<br>b<br/>c", "a\nb\nc"),
            ("<p class=MsoNormal>a</p><p class=MsoNormal>b</p>", "a\nb"),
            ("<ul><li>one<li>two</ul><ol><li>x</li><li>y</li></ol>", "- one\n- two\n1. x\n2. y"),
            ("see <a href='http://x'>our   page</a>.", "see our page."),
            ("&aring;&#246;&#xe4;&#146;&nbsp;&unknown;&", "åöä\u{2019} &unknown;&"),
            ("<style>p{}</style><script>x<y</script>a<!-- <p>b -->c", "ac"),
            ("<style>never closed <b>text</b>", "never closed text"),
            ("a<div style='display: none'>hidden<b>more</b></div>b", "a\nb"),
            ("<pre>a\n  b</pre>", "a\n  b"),
            ("<blockquote>q<br>r</blockquote>n", "> q\n> r\nn"),
            ("<blockquote style='border: none'>indented</blockquote>", "indented"),
            (
                "<table><tr><th>Item</th><th>Qty</th></tr><tr><td>A-1</td><td>10</td></tr></table>",
                "Item  Qty\nA-1   10",
            ),
            ("<table><tr><td><p>long</p><p>text</p></td></tr></table>end", "long\n\ntext\n\nend"),
            ("<a title=\"1 > 0\">x</a>", "x"),
            ("<a title=\"open>x", "x"),
        ] {
            assert_eq!(to_text(html), expected, "{html}");
        }
    }

    #[test]
    fn markup_marks_quotes_and_signatures() {
        let html = "new<div class=\"gmail_signature\">Anna</div><div class='x_moz-cite-prefix'>On</div>\
                    <blockquote>old</blockquote>below<div id=divRplyFwdMsg>From</div>rest";
        let marks: Vec<(String, Mark)> = to_lines(html).into_iter().map(|l| (l.text, l.mark)).collect();
        let expected = [
            ("new", Mark::Plain),
            ("Anna", Mark::Signature),
            ("On", Mark::Quoted),
            ("> old", Mark::Quoted),
            ("below", Mark::Plain),
            ("From", Mark::Cut),
            ("rest", Mark::Cut),
        ];
        assert_eq!(marks, expected.map(|(t, m)| (t.to_owned(), m)));
    }
}
