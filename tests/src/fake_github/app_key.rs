//! The key of the App: made anew in every process, so that none lies around.

use std::sync::LazyLock;

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der},
    rsa::{KeyPair, KeySize},
    signature::KeyPair as _,
};
use base64::{Engine, prelude::BASE64_STANDARD};

/// Width of the lines of PEM.
const PEM_LINE: usize = 64;

struct AppKey {
    private_pem: String,
    public_der: Vec<u8>,
}

static KEY: LazyLock<AppKey> = LazyLock::new(|| {
    let pair = KeyPair::generate(KeySize::Rsa2048).expect("a key of a common size");
    let private: Pkcs8V1Der<'_> = pair.as_der().expect("a key just made has an encoding");
    let encoded = BASE64_STANDARD.encode(private.as_ref());
    let mut private_pem = "-----BEGIN PRIVATE KEY-----\n".to_owned();
    for line in encoded.as_bytes().chunks(PEM_LINE) {
        private_pem.push_str(&String::from_utf8_lossy(line));
        private_pem.push('\n');
    }
    private_pem.push_str("-----END PRIVATE KEY-----\n");
    AppKey { private_pem, public_der: pair.public_key().as_ref().to_vec() }
});

/// The private key of the App that [`super::FakeGitHub::add_app`] makes, in PEM.
pub fn app_private_key() -> &'static str {
    &KEY.private_pem
}

/// Its public half.
pub(super) fn public_der() -> &'static [u8] {
    &KEY.public_der
}
