//! Whether a program runs where there is nothing but itself.

/// The kind of a segment that names a loader.
const INTERPRETER: u32 = 3;

/// Whether `program` is a 64-bit ELF file (of a little-endian machine: all of ours are) that asks for no loader, and so for
/// no library. Field offsets are from the ELF specification.
pub(super) fn is_static(program: &[u8]) -> bool {
    segments(program).is_some_and(|kinds| !kinds.is_empty() && !kinds.contains(&INTERPRETER))
}

/// The kinds of its segments; `None` when it is no such file, or cut off.
fn segments(program: &[u8]) -> Option<Vec<u32>> {
    if !program.starts_with(b"\x7fELF\x02\x01") {
        return None;
    }
    let table = usize::try_from(u64::from_le_bytes(bytes(program, 32)?)).ok()?;
    let length = usize::from(u16::from_le_bytes(bytes(program, 54)?));
    let count = usize::from(u16::from_le_bytes(bytes(program, 56)?));
    let kind = |nth: usize| Some(u32::from_le_bytes(bytes(program, table.checked_add(nth * length)?)?));
    (0..count).map(kind).collect()
}

fn bytes<const N: usize>(program: &[u8], at: usize) -> Option<[u8; N]> {
    program.get(at..at.checked_add(N)?)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::is_static;

    /// A head of 64 bytes, and of each segment the kind.
    fn program(kinds: &[u32]) -> Vec<u8> {
        let mut program = b"\x7fELF\x02\x01".to_vec();
        program.resize(64, 0);
        program[32] = 64;
        program[54] = 4;
        program[56] = u8::try_from(kinds.len()).unwrap();
        program.extend(kinds.iter().flat_map(|kind| kind.to_le_bytes()));
        program
    }

    #[test]
    fn a_static_program_names_no_loader() {
        let (load, dynamic, interpreter) = (1, 2, 3);
        assert!(is_static(&program(&[load, dynamic])), "one that can be moved has a dynamic segment all the same");
        assert!(!is_static(&program(&[load, interpreter, dynamic])));
    }

    #[test]
    fn what_is_no_program_is_no_static_program() {
        let whole = program(&[1, 2]);
        for broken in [&[][..], b"#!/bin/sh\n", &whole[..whole.len() - 1], &whole[..40], &program(&[])] {
            assert!(!is_static(broken), "{} bytes", broken.len());
        }
        let mut far = whole.clone();
        far[32..40].fill(0xff);
        assert!(!is_static(&far), "a table beyond the end");
    }

    #[test]
    fn this_very_test_is_linked_dynamically() {
        assert!(!is_static(&std::fs::read(std::env::current_exe().unwrap()).unwrap()));
    }
}
