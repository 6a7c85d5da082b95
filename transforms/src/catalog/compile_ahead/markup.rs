//! Project files in XML, as far as a name is read from them: elements by their path, without attributes.

/// The elements of a document that hold text, each with its path from the root (`project/build/finalName`).
pub(super) fn elements(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut path: Vec<&str> = Vec::new();
    let mut rest = text;
    while let Some(open) = rest.find('<') {
        let inside = rest.get(..open).unwrap_or_default().trim();
        if !inside.is_empty() && !path.is_empty() {
            found.push((path.join("/"), unescape(inside)));
        }
        rest = rest.get(open..).unwrap_or_default();
        let skip = |end: &str| rest.find(end).map_or(rest.len(), |at| at + end.len());
        if rest.starts_with("<!--") {
            rest = rest.get(skip("-->")..).unwrap_or_default();
            continue;
        }
        if rest.starts_with("<![CDATA[") {
            rest = rest.get(skip("]]>")..).unwrap_or_default();
            continue;
        }
        let end = skip(">");
        let tag = rest.get(1..end.saturating_sub(1)).unwrap_or_default();
        rest = rest.get(end..).unwrap_or_default();
        if tag.starts_with(['?', '!']) {
            continue;
        }
        if tag.starts_with('/') {
            path.pop();
            continue;
        }
        let name = tag.split(|c: char| c.is_whitespace() || c == '/').next().unwrap_or_default();
        if tag.ends_with('/') {
            path.push(name);
            found.push((path.join("/"), String::new()));
            path.pop();
        } else if path.len() < 64 {
            path.push(name);
        } else {
            return found;
        }
    }
    found
}

/// The text of the first element with this path.
pub(super) fn first<'e>(elements: &'e [(String, String)], path: &str) -> Option<&'e str> {
    elements.iter().find(|(at, _)| at == path).map(|(_, text)| text.as_str())
}

fn unescape(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&apos;", "'").replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_found_by_their_path() {
        let text = "<?xml version='1.0'?>\n<!-- <a>no</a> -->\n<project x=\"y\">\n<a>1</a><b><a> 2 &amp; 3 </a></b><c/></project>";
        let found = elements(text);
        assert_eq!(first(&found, "project/a"), Some("1"));
        assert_eq!(first(&found, "project/b/a"), Some("2 & 3"));
        assert_eq!(first(&found, "project/c"), Some(""));
        assert_eq!(first(&found, "a"), None);
        assert!(elements("<a><b").is_empty() && elements("x > <").is_empty());
    }
}
