//! The look that ANSI "select graphic rendition" sequences switch on and off.

use std::fmt::Write;

use super::stored::Reader;

/// The look of a piece of text. Colours are numbers of the 256-colour palette: 0–7 the basic ones,
/// 8–15 the bright ones, 16–231 a cube, 232–255 greys.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Style {
    /// Colour of the text; `None` is the page's own.
    pub foreground: Option<u8>,
    /// Colour behind the text; `None` is the page's own.
    pub background: Option<u8>,
    /// Bold.
    pub bold: bool,
    /// Dim.
    pub dim: bool,
    /// Italic.
    pub italic: bool,
    /// Underlined, singly or doubly.
    pub underline: bool,
    /// Foreground and background exchanged.
    pub reverse: bool,
    /// Struck through.
    pub strike: bool,
}

impl Style {
    /// Whether the text looks like the page's own.
    pub fn is_plain(&self) -> bool {
        *self == Style::default()
    }

    /// Class names for a page, separated by spaces: `ab` bold, `ad` dim, `ai` italic, `au`
    /// underlined, `as` struck through, `ar` reversed, `f0`…`f255` and `b0`…`b255` the colours.
    pub fn classes(&self) -> String {
        let flags = [
            (self.bold, "ab"),
            (self.dim, "ad"),
            (self.italic, "ai"),
            (self.underline, "au"),
            (self.strike, "as"),
            (self.reverse, "ar"),
        ];
        let mut classes = String::new();
        for (on, name) in flags {
            if on {
                push(&mut classes, format_args!("{name}"));
            }
        }
        if let Some(colour) = self.foreground {
            push(&mut classes, format_args!("f{colour}"));
        }
        if let Some(colour) = self.background {
            push(&mut classes, format_args!("b{colour}"));
        }
        classes
    }

    /// Appends the look in the form in which it is stored: one byte where it is plain.
    pub(super) fn put(&self, out: &mut Vec<u8>) {
        let flags = [
            self.bold,
            self.dim,
            self.italic,
            self.underline,
            self.reverse,
            self.strike,
            self.foreground.is_some(),
            self.background.is_some(),
        ];
        let bits = flags.iter().rev().fold(0_u8, |bits, on| (bits << 1) | u8::from(*on));
        out.push(bits);
        out.extend(self.foreground);
        out.extend(self.background);
    }

    /// Reads what [`Style::put`] wrote.
    pub(super) fn read(from: &mut Reader<'_>) -> Option<Style> {
        let bits = from.byte()?;
        let on = |bit: u8| (bits >> bit) & 1 == 1;
        Some(Style {
            bold: on(0),
            dim: on(1),
            italic: on(2),
            underline: on(3),
            reverse: on(4),
            strike: on(5),
            foreground: if on(6) { Some(from.byte()?) } else { None },
            background: if on(7) { Some(from.byte()?) } else { None },
        })
    }

    /// Applies the parameters of one sequence: what stands between `ESC [` and `m`. Codes that this
    /// type cannot express (blinking, concealed text) change nothing, so text is never hidden.
    pub(crate) fn apply(&mut self, parameters: &[u8]) {
        let mut codes = parameters.split(|b| *b == b';');
        while let Some(code) = codes.next() {
            let mut parts = code.split(|b| *b == b':');
            let number = parts.next().map_or(0, number);
            match number {
                0 => *self = Style::default(),
                1 => self.bold = true,
                2 => self.dim = true,
                3 => self.italic = true,
                4 => self.underline = parts.next() != Some(b"0"),
                7 => self.reverse = true,
                9 => self.strike = true,
                21 => self.underline = true,
                22 => (self.bold, self.dim) = (false, false),
                23 => self.italic = false,
                24 => self.underline = false,
                27 => self.reverse = false,
                29 => self.strike = false,
                30..=37 => self.foreground = Some((number - 30) as u8),
                39 => self.foreground = None,
                40..=47 => self.background = Some((number - 40) as u8),
                49 => self.background = None,
                90..=97 => self.foreground = Some((number - 90 + 8) as u8),
                100..=107 => self.background = Some((number - 100 + 8) as u8),
                38 | 48 | 58 => {
                    let colour = if code.contains(&b':') {
                        colon_colour(parts)
                    } else {
                        semicolon_colour(&mut codes)
                    };
                    match (number, colour) {
                        (38, Some(colour)) => self.foreground = Some(colour),
                        (48, Some(colour)) => self.background = Some(colour),
                        // 58 is the colour of the underline, which is not shown.
                        _ => {}
                    }
                }
                _ => {}
            }
        }
    }
}

fn push(classes: &mut String, name: std::fmt::Arguments<'_>) {
    if !classes.is_empty() {
        classes.push(' ');
    }
    // Writing to a string cannot fail.
    let _ = classes.write_fmt(name);
}

/// A decimal number; empty is 0, as the standard has it; what is too large or no number is one that
/// no code has.
fn number(digits: &[u8]) -> u32 {
    let value = digits.iter().try_fold(0u32, |value, digit| {
        let digit = digit.is_ascii_digit().then(|| u32::from(digit - b'0'))?;
        value.checked_mul(10)?.checked_add(digit)
    });
    value.unwrap_or(u32::MAX)
}

/// `38;5;n` and `38;2;r;g;b`: the parameters are codes of their own.
fn semicolon_colour<'a>(codes: &mut impl Iterator<Item = &'a [u8]>) -> Option<u8> {
    match number(codes.next()?) {
        5 => u8::try_from(number(codes.next()?)).ok(),
        2 => {
            let (r, g, b) = (codes.next()?, codes.next()?, codes.next()?);
            nearest(number(r), number(g), number(b))
        }
        _ => None,
    }
}

/// `38:5:n`, `38:2:r:g:b` and `38:2:<space>:r:g:b`: the parameters are parts of one code.
fn colon_colour<'a>(parts: impl Iterator<Item = &'a [u8]>) -> Option<u8> {
    let parts: Vec<u32> = parts.take(6).map(number).collect();
    match parts.as_slice() {
        [5, n, ..] => u8::try_from(*n).ok(),
        [2, r, g, b] | [2, _, r, g, b, ..] => nearest(*r, *g, *b),
        _ => None,
    }
}

/// The palette's colour that is closest to 24-bit red, green and blue: in the cube or in the greys.
fn nearest(r: u32, g: u32, b: u32) -> Option<u8> {
    /// Brightness of the cube's six steps.
    const STEPS: [i32; 6] = [0, 95, 135, 175, 215, 255];
    let rgb = [r, g, b].map(|c| c.min(255) as i32);
    let cube = rgb.map(|c| {
        let distances = STEPS.iter().map(|step| (step - c).abs());
        let closest = distances.enumerate().min_by_key(|(_, distance)| *distance);
        closest.map_or(0, |(index, _)| index)
    });
    let distance = |other: [i32; 3]| -> i32 {
        let pairs = rgb.iter().zip(other);
        pairs.map(|(a, b)| (a - b) * (a - b)).sum()
    };
    // The greys are 8, 18, … 238.
    let average = rgb.iter().sum::<i32>() / 3;
    let grey = ((average - 3) / 10).clamp(0, 23);
    let index = if distance([8 + 10 * grey; 3]) < distance(cube.map(|i| STEPS[i])) {
        232 + grey as usize
    } else {
        16 + 36 * cube[0] + 6 * cube[1] + cube[2]
    };
    u8::try_from(index).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(parameters: &str) -> String {
        let mut style = Style::default();
        style.apply(parameters.as_bytes());
        style.classes()
    }

    #[test]
    fn codes_switch_the_look_on_and_off() {
        assert_eq!(after("1;31"), "ab f1");
        assert_eq!(after("1;31;0"), "");
        assert_eq!(after("1;31;"), "");
        assert_eq!(after(""), "");
        assert_eq!(after("1;2;3;4;7;9"), "ab ad ai au as ar");
        assert_eq!(after("1;2;3;4;7;9;22;23;24;27;29"), "");
        assert_eq!(after("97;104"), "f15 b12");
        assert_eq!(after("31;42;39;49"), "");
        assert_eq!(after("4:3"), "au");
        assert_eq!(after("4;4:0"), "");
        assert_eq!(after("8;5;6;53;777;x;31"), "f1");
    }

    #[test]
    fn every_code_up_to_107_has_its_look_or_changes_nothing() {
        for code in 0..=107 {
            let expected = match code {
                1 => "ab".to_owned(),
                2 => "ad".to_owned(),
                3 => "ai".to_owned(),
                4 | 21 => "au".to_owned(),
                7 => "ar".to_owned(),
                9 => "as".to_owned(),
                30..=37 => format!("f{}", code - 30),
                40..=47 => format!("b{}", code - 40),
                90..=97 => format!("f{}", code - 90 + 8),
                100..=107 => format!("b{}", code - 100 + 8),
                _ => String::new(),
            };
            assert_eq!(after(&code.to_string()), expected, "code {code}");
        }
    }

    #[test]
    fn colours_of_every_notation_land_in_the_palette() {
        assert_eq!(after("38;5;208"), "f208");
        assert_eq!(after("48;5;208;1"), "ab b208");
        assert_eq!(after("38:5:208"), "f208");
        assert_eq!(after("38;2;255;0;0"), "f196");
        assert_eq!(after("38:2:255:0:0"), "f196");
        assert_eq!(after("38:2::255:0:0"), "f196");
        assert_eq!(after("48;2;128;128;128"), "b244");
        assert_eq!(after("58;5;3;32"), "f2");
        assert_eq!(after("38;5;999;32"), "f2");
        assert_eq!(after("38;5"), "");
        assert_eq!(after("38;2;1"), "");
    }
}
