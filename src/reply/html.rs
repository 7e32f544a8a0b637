//! The plain text of a letter as simple HTML, for programs that show nothing else well.
//!
//! Paragraphs, lists and links, in no font or colour of its own: it looks like the mail of the person who reads it. Does
//! not: carry anything that the text does not say, no images and no addresses that tell who has read it.

use std::fmt::Write as _;

/// A whole HTML document that says what the text says.
pub(super) fn of_text(text: &str) -> String {
    let text = text.replace("\r\n", "\n");
    let mut html = "<!DOCTYPE html>\n<html>\n<body>\n".to_owned();
    for paragraph in
        text.split("\n\n").map(|part| part.trim_matches('\n')).filter(|part| !part.trim().is_empty())
    {
        let lines: Vec<&str> = paragraph.lines().collect();
        if lines.iter().all(|line| line.starts_with("- ")) {
            html.push_str("<ul>\n");
            for line in lines.iter().filter_map(|line| line.strip_prefix("- ")) {
                let _infallible = writeln!(html, "<li>{}</li>", linked(line));
            }
            html.push_str("</ul>\n");
        } else {
            let lines: Vec<String> = lines.iter().map(|line| indented(line)).collect();
            let _infallible = writeln!(html, "<p>{}</p>", lines.join("<br>\n"));
        }
    }
    html.push_str("</body>\n</html>\n");
    html
}

/// A line whose blanks at the beginning stay.
fn indented(line: &str) -> String {
    let rest = line.trim_start_matches(' ');
    format!("{}{}", "&nbsp;".repeat(line.len() - rest.len()), linked(rest))
}

/// Text without markup, web addresses as links.
fn linked(line: &str) -> String {
    let mut words = Vec::new();
    for word in line.split(' ') {
        let address = word.trim_end_matches(['.', ',', ';', ':', ')', '!', '?']);
        let tail = word.strip_prefix(address).unwrap_or_default();
        words.push(if address.starts_with("https://") || address.starts_with("http://") {
            let shown = escaped(address);
            format!("<a href=\"{shown}\">{shown}</a>{}", escaped(tail))
        } else {
            escaped(word)
        });
    }
    words.join(" ")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_keeps_its_shape_and_gains_no_markup() {
        for (text, expected) in [
            ("", ""),
            ("a\nb\n\nc", "<p>a<br>\nb</p>\n<p>c</p>\n"),
            (
                "- one\n- two & three\n\n\nx",
                "<ul>\n<li>one</li>\n<li>two &amp; three</li>\n</ul>\n<p>x</p>\n",
            ),
            ("1. Bolt\n   10 pcs", "<p>1. Bolt<br>\n&nbsp;&nbsp;&nbsp;10 pcs</p>\n"),
            ("<script>\"x\"</script>", "<p>&lt;script&gt;&quot;x&quot;&lt;/script&gt;</p>\n"),
            (
                "see https://a.example/?b=1&c=\"2, or javascript:x",
                "<p>see <a href=\"https://a.example/?b=1&amp;c=&quot;2\">https://a.example/?b=1&amp;c=&quot;2</a>, or javascript:x</p>\n",
            ),
        ] {
            let html = of_text(text);
            let body = html.strip_prefix("<!DOCTYPE html>\n<html>\n<body>\n").unwrap();
            assert_eq!(body.strip_suffix("</body>\n</html>\n").unwrap(), expected, "{text}");
        }
    }
}
