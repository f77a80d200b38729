//! What holds for all profiles.

use coverage::stored::{decode_profile, encode_profile};
use coverage::{
    Block, Counting, FileCoverage, Mode, Position, Profile, Reading, Sources, diff, merge, read,
};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

fn position() -> impl Strategy<Value = Position> {
    (1..50_u32, 1..80_u32, 0..9_u32, 1..80_u32).prop_map(
        |(start_line, start_col, lines, end_col)| Position {
            start_line,
            start_col,
            end_line: start_line + lines,
            end_col,
        },
    )
}

fn shape() -> impl Strategy<Value = Vec<(String, Vec<(Position, u32)>)>> {
    let blocks = btree_map(position(), 0..9_u32, 1..12);
    btree_map("[a-c]{1,2}(/[a-c: .]{1,3}){0,2}\\.go", blocks, 1..6).prop_map(|files| {
        files.into_iter().map(|(name, blocks)| (name, blocks.into_iter().collect())).collect()
    })
}

/// Profiles of the same sources.
fn profiles() -> impl Strategy<Value = Vec<Profile>> {
    let mode = prop_oneof![Just(Mode::Set), Just(Mode::Count), Just(Mode::Atomic)];
    (mode, shape(), vec(any::<u64>(), 1..5)).prop_map(|(mode, shape, seeds)| {
        seeds.into_iter().map(|seed| counted(mode, &shape, seed)).collect()
    })
}

fn counted(mode: Mode, shape: &[(String, Vec<(Position, u32)>)], mut seed: u64) -> Profile {
    let mut count = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        match mode {
            Mode::Set => (seed >> 60) & 1,
            _ => seed >> 60,
        }
    };
    let files = shape.iter().map(|(name, blocks)| FileCoverage {
        name: name.clone(),
        blocks: blocks
            .iter()
            .map(|(at, statements)| Block { at: *at, statements: *statements, count: count() })
            .collect(),
    });
    Profile { mode, files: files.collect() }
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(profiles in profiles()) {
        for profile in profiles {
            let read = read(&profile.to_go(), &Reading::STRICT).unwrap();
            prop_assert_eq!(&read.profile, &profile);
            prop_assert_eq!(decode_profile(&encode_profile(&profile), None).unwrap(), profile);
        }
    }

    #[test]
    fn a_merge_of_texts_is_that_of_profiles_in_any_order(profiles in profiles(), flip in any::<bool>()) {
        let mut texts: Vec<_> = profiles.iter().map(Profile::to_go).collect();
        if flip {
            texts.reverse();
            // The lines of one of them in another order.
            let last = texts.len() - 1;
            let text = String::from_utf8(texts[last].clone()).unwrap();
            let mut lines: Vec<_> = text.lines().collect();
            lines[1..].reverse();
            texts[last] = lines.join("\n").into_bytes();
        }
        let mut merger =
            coverage::Merger::new(Reading::STRICT, Counting::Sum, Sources::Same);
        for text in &texts {
            merger.add(text).unwrap();
        }
        let by_text = merger.finish().unwrap().profile;
        let by_profile = merge(&profiles, Counting::Sum, Sources::Same).unwrap().profile;
        prop_assert_eq!(&by_text, &by_profile);
        for (at, file) in by_text.files.iter().enumerate() {
            for (index, block) in file.blocks.iter().enumerate() {
                let counts = profiles.iter().map(|profile| profile.files[at].blocks[index].count);
                let expected = match by_text.mode {
                    Mode::Set => counts.max().unwrap_or(0),
                    _ => counts.sum(),
                };
                prop_assert_eq!(block.count, expected);
            }
        }
    }

    #[test]
    fn what_ran_in_between_and_what_ran_before_make_what_ran_after(profiles in profiles()) {
        let before = &profiles[0];
        prop_assume!(before.mode != Mode::Set);
        let after = merge(&profiles, Counting::Sum, Sources::Same).unwrap().profile;
        let between = diff(before, &after).unwrap();
        prop_assert_eq!(between.restarted, 0);
        let again = merge([before, &between.profile], Counting::Sum, Sources::Same).unwrap();
        prop_assert_eq!(again.profile, after);
    }

    #[test]
    fn directories_add_up(profiles in profiles()) {
        let profile = &profiles[0];
        let entries = coverage::entries(profile.ratios(), "");
        let sum = entries.iter().fold(coverage::Ratio::default(), |sum, (_, ratio)| sum.plus(*ratio));
        prop_assert_eq!(sum, profile.ratio());
    }
}
