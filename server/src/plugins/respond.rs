//! The forms in which every plugin answers.
//!
//! An answer quotes the text it answers, each line behind `>`. The quote matters: commands are
//! read from column one, so the bot's own echo never triggers anything.

/// How people talk to the bot; the standing sentence below every message.
pub const ABOUT_THIS_BOT_WITHOUT_COMMANDS: &str = "Instructions for interacting with me using PR comments are available [here](https://git.k8s.io/community/contributors/guide/pull-requests.md).  If you have questions or suggestions related to my behavior, please ask the people who run this CI.";

/// The sentence that links the list of commands.
pub const ABOUT_THIS_BOT_COMMANDS: &str =
    "I understand the commands that are listed [here](https://go.k8s.io/bot-commands).";

/// Both standing sentences, as they stand below the table of failed tests.
#[must_use]
pub fn about_this_bot() -> String {
    format!("{ABOUT_THIS_BOT_WITHOUT_COMMANDS} {ABOUT_THIS_BOT_COMMANDS}")
}

/// A message to `to` with a reason folded away below it.
#[must_use]
pub fn format_response(to: &str, message: &str, reason: &str) -> String {
    format!(
        "@{to}: {message}\n\n<details>\n\n{reason}\n\n{ABOUT_THIS_BOT_WITHOUT_COMMANDS}\n</details>"
    )
}

/// A message that nobody asked for: text and the standing sentence.
#[must_use]
pub fn format_simple_response(message: &str) -> String {
    format!("{message}\n\n<details>\n\n{ABOUT_THIS_BOT_WITHOUT_COMMANDS}\n</details>")
}

/// The answer to a command: a link back to the text and the whole text quoted.
#[must_use]
pub fn format_response_raw(body: &str, body_url: &str, login: &str, reply: &str) -> String {
    let quoted: Vec<String> = body.split('\n').map(|line| format!(">{line}")).collect();
    let reason = format!("In response to [this]({body_url}):\n\n{}\n", quoted.join("\n"));
    format_response(login, reply, &reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_quotes_every_line_so_that_it_cannot_trigger_anything() {
        let answer = format_response_raw("/test all\r\n/retest", "https://x/1#c", "ana", "No.");
        assert!(
            answer
                .starts_with("@ana: No.\n\n<details>\n\nIn response to [this](https://x/1#c):\n\n")
        );
        assert!(answer.contains("\n>/test all\r\n>/retest\n"));
        assert!(answer.lines().all(|line| !line.starts_with('/')));
        assert!(answer.ends_with("</details>"));
    }

    #[test]
    fn an_unasked_message_has_no_reason() {
        let text = format_simple_response("Hello.");
        assert_eq!(
            text,
            format!("Hello.\n\n<details>\n\n{ABOUT_THIS_BOT_WITHOUT_COMMANDS}\n</details>")
        );
    }
}
