//! Authenticated encryption: XChaCha20-Poly1305, whose nonce is long enough to be random.

use chacha20poly1305::{
    Key, KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};

use super::random;
use crate::error::{Error, Result};

const NONCE: usize = 24;

/// Nonce and ciphertext. It opens with the same key and the same `place` only.
pub fn seal(key: &[u8], place: &[u8], plain: &[u8]) -> Result<Vec<u8>> {
    let nonce: [u8; NONCE] = random()?;
    let sealed = cipher(key)
        .and_then(|cipher| {
            let payload = Payload { msg: plain, aad: place };
            cipher.encrypt(&XNonce::from(nonce), payload).ok()
        })
        .ok_or_else(|| Error::internal("a secret could not be sealed"))?;
    Ok([nonce.as_slice(), &sealed].concat())
}

/// `None`: another key, another place, or changed.
pub fn open(key: &[u8], place: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
    let (nonce, sealed) = sealed.split_at_checked(NONCE)?;
    let nonce: [u8; NONCE] = nonce.try_into().ok()?;
    cipher(key)?.decrypt(&XNonce::from(nonce), Payload { msg: sealed, aad: place }).ok()
}

fn cipher(key: &[u8]) -> Option<XChaCha20Poly1305> {
    let key: [u8; 32] = key.try_into().ok()?;
    Some(XChaCha20Poly1305::new(&Key::from(key)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_with_its_key_in_its_place_unchanged() {
        let (key, other) = ([1; 32], [2; 32]);
        let sealed = seal(&key, b"here", b"secret").unwrap();
        assert_eq!(open(&key, b"here", &sealed).unwrap(), b"secret");
        assert_eq!(open(&other, b"here", &sealed), None);
        assert_eq!(open(&key, b"there", &sealed), None);
        for at in 0..sealed.len() {
            let mut touched = sealed.clone();
            touched[at] ^= 1;
            assert_eq!(open(&key, b"here", &touched), None);
            assert_eq!(open(&key, b"here", &sealed[..at]), None);
        }
        assert_ne!(seal(&key, b"here", b"secret").unwrap(), sealed, "never the same twice");
    }
}
