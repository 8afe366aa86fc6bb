//! Signatures as minisign makes them: Ed25519 over a BLAKE2b-512, in four lines of text.

use std::fmt::Write;

use ring::signature::{Ed25519KeyPair, KeyPair};

/// A key pair of minisign.
pub struct Signer {
    id: [u8; 8],
    pair: Ed25519KeyPair,
}

impl Signer {
    /// A pair that follows from a number.
    pub fn new(seed: u8) -> Self {
        Self {
            id: [seed; 8],
            pair: Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).expect("a seed"),
        }
    }

    /// The line of `minisign.pub`.
    pub fn public(&self) -> String {
        let key = self.pair.public_key().as_ref();
        base64(&[b"Ed", &self.id[..], key].concat())
    }

    /// The text of `.minisig`.
    pub fn sign(&self, bytes: &[u8]) -> String {
        let signature = self.pair.sign(&blake2b(bytes));
        let comment = "timestamp:0";
        let global = [signature.as_ref(), comment.as_bytes()].concat();
        let global = self.pair.sign(&global);
        let line = base64(&[b"ED", &self.id[..], signature.as_ref()].concat());
        let mut text = String::from("untrusted comment: signature of a test\n");
        writeln!(text, "{line}\ntrusted comment: {comment}").expect("a string");
        writeln!(text, "{}", base64(global.as_ref())).expect("a string");
        text
    }
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let part = |at: usize| u32::from(chunk.get(at).copied().unwrap_or(0));
        let bits = part(0) << 16 | part(1) << 8 | part(2);
        for place in 0..4 {
            if place > chunk.len() {
                text.push('=');
            } else {
                let digit = bits >> (18 - 6 * place) & 63;
                text.push(char::from(DIGITS[digit as usize]));
            }
        }
    }
    text
}

const IV: [u64; 8] = [
    0x6a09e667f3bcc908,
    0xbb67ae8584caa73b,
    0x3c6ef372fe94f82b,
    0xa54ff53a5f1d36f1,
    0x510e527fade682d1,
    0x9b05688c2b3e6c1f,
    0x1f83d9abfb41bd6b,
    0x5be0cd19137e2179,
];

const SIGMA: [[usize; 16]; 10] = [
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
    [14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3],
    [11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4],
    [7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8],
    [9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13],
    [2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9],
    [12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11],
    [13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10],
    [6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5],
    [10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0],
];

/// BLAKE2b with 64 bytes of digest and no key (RFC 7693).
fn blake2b(bytes: &[u8]) -> [u8; 64] {
    let mut state = IV;
    state[0] ^= 0x0101_0040;
    let blocks = bytes.len().div_ceil(128).max(1);
    for number in 0..blocks {
        let start = number * 128;
        let end = bytes.len().min(start + 128);
        let mut block = [0; 128];
        block[..end - start].copy_from_slice(&bytes[start..end]);
        compress(&mut state, &block, end as u64, number + 1 == blocks);
    }
    let mut digest = [0; 64];
    for (out, word) in digest.chunks_mut(8).zip(state) {
        out.copy_from_slice(&word.to_le_bytes());
    }
    digest
}

fn compress(state: &mut [u64; 8], block: &[u8; 128], so_far: u64, last: bool) {
    let mut words = [0; 16];
    for (word, bytes) in words.iter_mut().zip(block.chunks(8)) {
        *word = u64::from_le_bytes(bytes.try_into().expect("eight bytes"));
    }
    let mut v = [0; 16];
    v[..8].copy_from_slice(state);
    v[8..].copy_from_slice(&IV);
    v[12] ^= so_far;
    if last {
        v[14] = !v[14];
    }
    for round in 0..12 {
        let order = SIGMA[round % 10];
        for (at, [a, b, c, d]) in [
            [0, 4, 8, 12],
            [1, 5, 9, 13],
            [2, 6, 10, 14],
            [3, 7, 11, 15],
            [0, 5, 10, 15],
            [1, 6, 11, 12],
            [2, 7, 8, 13],
            [3, 4, 9, 14],
        ]
        .into_iter()
        .enumerate()
        {
            for (part, left, right) in [(0, 32, 24), (1, 16, 63)] {
                let word = words[order[2 * at + part]];
                v[a] = v[a].wrapping_add(v[b]).wrapping_add(word);
                v[d] = (v[d] ^ v[a]).rotate_right(left);
                v[c] = v[c].wrapping_add(v[d]);
                v[b] = (v[b] ^ v[c]).rotate_right(right);
            }
        }
    }
    for (at, word) in state.iter_mut().enumerate() {
        *word ^= v[at] ^ v[at + 8];
    }
}
