//! Zig's errors, retold: one line for each, at the place in the user's text, the user's own
//! mistakes first. The excerpts are left out; an editor shows them better.

use std::fmt;

/// One of Zig's errors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Retold {
    pub(crate) at: Option<Place>,
    /// What is wrong, and a line for each note.
    pub(crate) text: String,
}

impl fmt::Display for Retold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(Place { file, line, column }) = &self.at {
            write!(f, "{file}:{line}:{column}: ")?;
        }
        f.write_str(&self.text)
    }
}

/// What Zig printed, for people. `is_users` tells the user's files from those of Zig and zigflow.
pub(crate) fn retell(stderr: &str, is_users: &dyn Fn(&str) -> bool) -> Vec<Retold> {
    let mut problems = parse(stderr);
    if problems.is_empty() && !stderr.trim().is_empty() {
        return vec![Retold { at: None, text: stderr.trim_end().to_owned() }];
    }
    for problem in &mut problems {
        problem.move_to_users_text(is_users);
    }
    let foreign =
        |problem: &Problem| !problem.message.at.as_ref().is_some_and(|at| is_users(&at.file));
    problems.sort_by_key(foreign);
    problems.into_iter().map(Problem::told).collect()
}

struct Problem {
    message: Message,
    notes: Vec<Message>,
    referenced_by: Vec<Place>,
}

struct Message {
    at: Option<Place>,
    text: String,
}

/// Lines and columns count from 1, columns are bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) file: String,
    pub(crate) line: usize,
    pub(crate) column: usize,
}

impl Problem {
    fn told(self) -> Retold {
        let notes = self.notes.into_iter().map(|Message { at, text }| Retold { at, text });
        let notes = notes.map(|note| format!("\n    note: {note}"));
        Retold { at: self.message.at, text: self.message.text + &notes.collect::<String>() }
    }

    /// A missing import is reported at the missing file, a misuse of zigflow inside zigflow. The
    /// place to mend is where the user's text led there.
    fn move_to_users_text(&mut self, is_users: &dyn Fn(&str) -> bool) {
        let Some(reported) = self.message.at.clone() else {
            return;
        };
        let imported =
            self.notes.iter().position(|note| note.text.starts_with("file imported here"));
        if let Some(i) = imported.filter(|_| self.message.text.starts_with("unable to load")) {
            self.message.at = self.notes.remove(i).at;
            return;
        }
        if is_users(&reported.file) {
            return;
        }
        let users = |place: &Place| is_users(&place.file);
        let called = self.notes.iter().position(|note| note.at.as_ref().is_some_and(users));
        let better = match called {
            Some(i) => self.notes.remove(i).at,
            None => self.referenced_by.iter().find(|place| users(place)).cloned(),
        };
        if better.is_some() {
            self.message.at = better;
            self.notes.insert(0, Message { at: Some(reported), text: "reported here".to_owned() });
        }
    }
}

fn parse(stderr: &str) -> Vec<Problem> {
    let mut problems: Vec<Problem> = Vec::new();
    let mut lines = stderr.lines().peekable();
    while let Some(line) = lines.next() {
        if let Some((is_error, mut message)) = heading(line) {
            let mut body = Vec::new();
            while let Some(more) =
                lines.next_if(|next| heading(next).is_none() && *next != "referenced by:")
            {
                body.push(more);
            }
            message.add_further_lines(&body);
            match problems.last_mut() {
                Some(problem) if !is_error => problem.notes.push(message),
                _ => {
                    problems.push(Problem { message, notes: Vec::new(), referenced_by: Vec::new() })
                }
            }
        } else if let (Some(problem), Some(place)) = (problems.last_mut(), reference(line)) {
            problem.referenced_by.push(place);
        }
    }
    problems
}

/// `file:line:column: error: text`, or a `note`, or either without a place.
fn heading(line: &str) -> Option<(bool, Message)> {
    for (kind, is_error) in [("error: ", true), ("note: ", false)] {
        if let Some(text) = line.strip_prefix(kind) {
            return Some((is_error, Message { at: None, text: text.to_owned() }));
        }
        let found = line.match_indices(kind).find_map(|(i, _)| {
            let at = place(line[..i].strip_suffix(": ")?)?;
            Some(Message { at: Some(at), text: line[i + kind.len()..].to_owned() })
        });
        if let Some(message) = found {
            return Some((is_error, message));
        }
    }
    None
}

/// `    name: file:line:column`, below "referenced by:".
fn reference(line: &str) -> Option<Place> {
    let text = line.strip_prefix("    ")?;
    place(&text[text.find(": ")? + 2..])
}

fn place(text: &str) -> Option<Place> {
    let mut parts = text.rsplitn(3, ':');
    let column = parts.next()?.parse().ok()?;
    let line = parts.next()?.parse().ok()?;
    Some(Place { file: parts.next()?.to_owned(), line, column })
}

impl Message {
    /// A message of several lines comes before the excerpt, which ends with a line of marks.
    fn add_further_lines(&mut self, body: &[&str]) {
        let marks =
            |line: &str| line.contains('^') && line.bytes().all(|byte| b" ~^".contains(&byte));
        let excerpt =
            body.iter().position(|line| marks(line)).map_or(body.len(), |i| i.saturating_sub(1));
        for line in &body[..excerpt] {
            self.text.push_str("; ");
            self.text.push_str(line.trim());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn retold(stderr: &str) -> Vec<String> {
        let told = retell(stderr, &|file| file.starts_with("src/"));
        told.iter()
            .flat_map(|told| told.to_string().lines().map(str::to_owned).collect::<Vec<_>>())
            .collect()
    }

    #[test]
    fn an_error_is_one_line_and_its_notes_follow() {
        let stderr = "src/lib.zig:1:33: error: expected type 'u8', found 'u32'
pub fn conv(a: u32) u8 { return a; }
                                ^
src/lib.zig:1:21: note: function return type declared here
pub fn conv(a: u32) u8 { return a; }
                    ^~
referenced by:
    f: src/lib.zig:3:20
    6 reference(s) hidden; use '-freference-trace=8' to see all references
src/lib.zig:8:22: error: unused
const unused = 1;
      ^~~~~~
";
        assert_eq!(
            retold(stderr),
            [
                "src/lib.zig:1:33: expected type 'u8', found 'u32'",
                "    note: src/lib.zig:1:21: function return type declared here",
                "src/lib.zig:8:22: unused",
            ]
        );
    }

    #[test]
    fn a_message_of_several_lines_becomes_one() {
        let stderr = "src/lib.zig:8:22: error: two
                          lines
    @compileError(\"two\\nlines\");
    ^~~~~~~~~~~~~
";
        assert_eq!(retold(stderr), ["src/lib.zig:8:22: two; lines"]);
    }

    #[test]
    fn a_missing_import_is_reported_where_it_is_imported() {
        let stderr = "src/missing.zig:1:1: error: unable to load 'missing.zig': FileNotFound
src/lib.zig:1:21: note: file imported here
const sub = @import(\"missing.zig\");
                    ^~~~~~~~~~~~~
";
        assert_eq!(
            retold(stderr),
            ["src/lib.zig:1:21: unable to load 'missing.zig': FileNotFound"]
        );
    }

    #[test]
    fn a_misuse_of_zigflow_is_reported_in_the_users_text() {
        let stderr = "/out/zigflow/pkg/source.zig:10:64: error: a source needs a poll function
    @compileError(\"a source needs a poll function\");
    ^~~~~~~~~~~~~
src/lib.zig:2:18: note: called at comptime here
comptime { zigflow.source(\"x\", struct {}); }
           ~~~~~~~~~~~~~~^~~~~~~~~~~~~~~~
";
        assert_eq!(
            retold(stderr),
            [
                "src/lib.zig:2:18: a source needs a poll function",
                "    note: /out/zigflow/pkg/source.zig:10:64: reported here",
            ]
        );
    }

    #[test]
    fn the_users_own_mistakes_come_first() {
        let stderr = "/zig/lib/std/x.zig:1:1: error: a consequence
src/lib.zig:2:1: error: the cause
";
        assert_eq!(
            retold(stderr),
            ["src/lib.zig:2:1: the cause", "/zig/lib/std/x.zig:1:1: a consequence"]
        );
    }

    #[test]
    fn a_reference_leads_to_the_users_text_when_no_note_does() {
        let stderr = "/zig/lib/std/x.zig:1:1: error: no
referenced by:
    helper: /zig/lib/std/y.zig:5:6
    C:\\odd: src/lib.zig:7:8
";
        assert_eq!(
            retold(stderr),
            ["src/lib.zig:7:8: no", "    note: /zig/lib/std/x.zig:1:1: reported here"]
        );
    }

    #[test]
    fn paths_of_windows_have_a_colon_of_their_own() {
        assert_eq!(retold("C:\\a\\lib.zig:1:2: error: no"), ["C:\\a\\lib.zig:1:2: no"]);
    }

    #[test]
    fn what_is_not_understood_is_passed_on() {
        assert_eq!(retold("thread 1 panic: oh\nno"), ["thread 1 panic: oh", "no"]);
        assert_eq!(retold("error: unable to find libc"), ["unable to find libc"]);
    }
}
