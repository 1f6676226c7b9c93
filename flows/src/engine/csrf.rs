//! Masking of the CSRF secret, so that the bytes sent in a form never repeat while all of them stay
//! valid. Knows neither cookies nor flows; the pad is handed in, and must be used once only.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use subtle::ConstantTimeEq as _;

const SECRET_BYTES: usize = 32;
const MASKED_BYTES: usize = 2 * SECRET_BYTES;

/// The form value for `secret`: standard base64 of the pad followed by pad XOR secret.
pub fn mask(secret: &[u8; SECRET_BYTES], pad: [u8; SECRET_BYTES]) -> String {
    let mut bytes = [0; MASKED_BYTES];
    let (head, tail) = bytes.split_at_mut(SECRET_BYTES);
    head.copy_from_slice(&pad);
    for (out, (p, s)) in tail.iter_mut().zip(pad.iter().zip(secret)) {
        *out = p ^ s;
    }
    STANDARD.encode(bytes)
}

/// Whether `token`, masked (64 bytes) or raw (32 bytes) in standard base64, stands for `secret`.
/// Takes the same time wherever the two differ.
pub fn matches(secret: &[u8; SECRET_BYTES], token: &str) -> bool {
    let Ok(bytes) = STANDARD.decode(token) else {
        return false;
    };
    match bytes.len() {
        SECRET_BYTES => bytes.ct_eq(secret).into(),
        MASKED_BYTES => {
            let (pad, masked) = bytes.split_at(SECRET_BYTES);
            let plain: Vec<u8> = pad.iter().zip(masked).map(|(p, m)| p ^ m).collect();
            plain.ct_eq(secret).into()
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: [u8; 32] = *b"0123456789abcdef0123456789abcdef";

    #[test]
    fn every_mask_of_a_secret_matches_it_and_no_other() {
        let (one, two) = (mask(&SECRET, [7; 32]), mask(&SECRET, [200; 32]));
        assert_ne!(one, two);
        assert!(matches(&SECRET, &one) && matches(&SECRET, &two));
        assert!(!matches(&[0; 32], &one));
        assert_eq!(STANDARD.decode(&one).unwrap().len(), 64);
    }

    #[test]
    fn the_raw_secret_is_accepted() {
        assert!(matches(&SECRET, &STANDARD.encode(SECRET)));
        assert!(!matches(&SECRET, &STANDARD.encode([1; 32])));
    }

    #[test]
    fn one_wrong_bit_anywhere_is_refused() {
        let bytes = STANDARD.decode(mask(&SECRET, [9; 32])).unwrap();
        for bit in 0..bytes.len() * 8 {
            let mut wrong = bytes.clone();
            wrong[bit / 8] ^= 1 << (bit % 8);
            assert!(!matches(&SECRET, &STANDARD.encode(wrong)), "bit {bit}");
        }
    }

    #[test]
    fn other_lengths_and_alphabets_are_refused() {
        for token in [
            "",
            "=",
            "not base64!",
            "AAAA",
            &STANDARD.encode([0; 33]),
            &STANDARD.encode([0; 96]),
        ] {
            assert!(!matches(&[0; 32], token), "{token}");
        }
        let url_safe = base64::engine::general_purpose::URL_SAFE.encode([0xff; 32]);
        assert!(!matches(&[0xff; 32], &url_safe));
    }
}
