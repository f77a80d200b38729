//! Where escape sequences begin and end.

/// Bytes of one sequence's parameters that are kept. Longer ones are no colours.
const MAX_PARAMETERS: usize = 64;

/// What one byte turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Text, or a control character outside of any sequence.
    Text,
    /// A part of an escape sequence.
    Swallowed,
    /// The last byte of a colour sequence; its parameters are in [`Escapes::parameters`].
    Colour,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum State {
    #[default]
    Ground,
    /// Behind ESC.
    Escape,
    /// Behind ESC and an intermediate byte: one more byte ends it.
    Intermediate,
    /// Behind `ESC [`.
    Control,
    /// Behind `ESC ]`, `ESC P`, `ESC X`, `ESC ^` or `ESC _`: a string up to BEL or `ESC \`.
    Text,
    /// Behind ESC in such a string.
    TextEscape,
}

/// Follows the bytes of a log. Sequences consist of ASCII, so cutting where text begins again never
/// cuts a UTF-8 character. The end of a line ends every sequence: an unterminated one cannot swallow
/// the rest of a log.
#[derive(Debug, Clone, Default)]
pub(crate) struct Escapes {
    state: State,
    parameters: Vec<u8>,
    /// The parameters hold something else than digits and separators, or are too long.
    other: bool,
}

impl Escapes {
    pub(crate) fn step(&mut self, byte: u8) -> Step {
        if byte == b'\n' {
            self.state = State::Ground;
            return Step::Text;
        }
        match self.state {
            State::Ground if byte == 0x1b => self.to(State::Escape),
            State::Ground => Step::Text,
            State::Escape => match byte {
                b'[' => {
                    self.parameters.clear();
                    self.other = false;
                    self.to(State::Control)
                }
                b']' | b'P' | b'X' | b'^' | b'_' => self.to(State::Text),
                0x20..=0x2f => self.to(State::Intermediate),
                0x1b => Step::Swallowed,
                0x30..=0x7e => self.to(State::Ground),
                _ => self.abandon(),
            },
            State::Intermediate => match byte {
                0x20..=0x2f => Step::Swallowed,
                0x30..=0x7e => self.to(State::Ground),
                0x1b => self.to(State::Escape),
                _ => self.abandon(),
            },
            State::Control => match byte {
                b'0'..=b'9' | b';' | b':' => {
                    if self.parameters.len() < MAX_PARAMETERS {
                        self.parameters.push(byte);
                    } else {
                        self.other = true;
                    }
                    Step::Swallowed
                }
                0x20..=0x3f => {
                    self.other = true;
                    Step::Swallowed
                }
                b'm' if !self.other => {
                    self.state = State::Ground;
                    Step::Colour
                }
                0x40..=0x7e => self.to(State::Ground),
                0x1b => self.to(State::Escape),
                _ => self.abandon(),
            },
            State::Text => match byte {
                0x07 | 0x18 | 0x1a => self.to(State::Ground),
                0x1b => self.to(State::TextEscape),
                _ => Step::Swallowed,
            },
            State::TextEscape => match byte {
                b'\\' => self.to(State::Ground),
                // ESC ends the string whatever follows, and what follows is a new sequence.
                _ => {
                    self.state = State::Escape;
                    self.step(byte)
                }
            },
        }
    }

    /// The parameters of the colour sequence that ended with the last step.
    pub(crate) fn parameters(&self) -> &[u8] {
        &self.parameters
    }

    /// No sequence is open.
    pub(crate) fn is_ground(&self) -> bool {
        self.state == State::Ground
    }

    fn to(&mut self, state: State) -> Step {
        self.state = state;
        Step::Swallowed
    }

    /// The byte cannot belong to the sequence: it is text.
    fn abandon(&mut self) -> Step {
        self.state = State::Ground;
        Step::Text
    }
}
