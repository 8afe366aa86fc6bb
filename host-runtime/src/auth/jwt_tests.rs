use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
    KeyPair, RSA_PKCS1_SHA256, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RsaEncoding, RsaKeyPair,
    RsaPublicKeyComponents,
};
use serde_json::{Value, json};

use super::super::keys::KeySetError;
use super::*;

const NOW: Timestamp = 1_800_000_000_000;
const NOW_S: u64 = NOW / 1000;

enum Signer {
    P256(EcdsaKeyPair),
    P384(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
    Rsa(Box<RsaKeyPair>, &'static dyn RsaEncoding),
}

fn encoded(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn ecdsa(algorithm: &'static ring::signature::EcdsaSigningAlgorithm) -> EcdsaKeyPair {
    let chance = SystemRandom::new();
    let key = EcdsaKeyPair::generate_pkcs8(algorithm, &chance).unwrap();
    EcdsaKeyPair::from_pkcs8(algorithm, key.as_ref(), &chance).unwrap()
}

impl Signer {
    fn p256() -> Self {
        Self::P256(ecdsa(&ECDSA_P256_SHA256_FIXED_SIGNING))
    }

    fn p384() -> Self {
        Self::P384(ecdsa(&ECDSA_P384_SHA384_FIXED_SIGNING))
    }

    fn ed() -> Self {
        let key = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        Self::Ed(Ed25519KeyPair::from_pkcs8(key.as_ref()).unwrap())
    }

    /// `ring` makes no RSA keys; this one is made with openssl and protects nothing.
    fn rsa(encoding: &'static dyn RsaEncoding) -> Self {
        let text: String = include_str!("rsa_test_key.txt")
            .split_whitespace()
            .collect();
        let der = base64::engine::general_purpose::STANDARD.decode(text);
        let key = RsaKeyPair::from_pkcs8(&der.unwrap()).unwrap();
        Self::Rsa(Box::new(key), encoding)
    }

    fn sign(&self, text: &[u8]) -> Vec<u8> {
        let chance = SystemRandom::new();
        match self {
            Self::P256(key) | Self::P384(key) => key.sign(&chance, text).unwrap().as_ref().to_vec(),
            Self::Ed(key) => key.sign(text).as_ref().to_vec(),
            Self::Rsa(key, encoding) => {
                let mut signature = vec![0; key.public().modulus_len()];
                key.sign(*encoding, &chance, text, &mut signature).unwrap();
                signature
            }
        }
    }

    fn jwk(&self, kid: &str) -> Value {
        let ec = |key: &EcdsaKeyPair, curve: &str| {
            let point = key.public_key().as_ref().get(1..).unwrap();
            let (x, y) = point.split_at(point.len() / 2);
            json!({"kty": "EC", "crv": curve, "x": encoded(x), "y": encoded(y), "kid": kid})
        };
        match self {
            Self::P256(key) => ec(key, "P-256"),
            Self::P384(key) => ec(key, "P-384"),
            Self::Ed(key) => {
                let x = encoded(key.public_key());
                json!({"kty": "OKP", "crv": "Ed25519", "x": x, "kid": kid})
            }
            Self::Rsa(key, _) => {
                let RsaPublicKeyComponents::<Vec<u8>> { n, e } = key.public().into();
                json!({"kty": "RSA", "n": encoded(n), "e": encoded(e), "kid": kid, "use": "sig"})
            }
        }
    }

    fn token(&self, header: &Value, claims: &Value) -> String {
        self.raw(&header.to_string(), &claims.to_string())
    }

    fn raw(&self, header: &str, claims: &str) -> String {
        let signed = format!("{}.{}", encoded(header), encoded(claims));
        let signature = encoded(self.sign(signed.as_bytes()));
        format!("{signed}.{signature}")
    }
}

fn set(keys: &[Value]) -> KeySet {
    KeySet::parse(json!({ "keys": keys }).to_string().as_bytes()).unwrap()
}

fn claims() -> Value {
    json!({"iss": "https://idp.example", "aud": "nameplate", "sub": "client", "exp": NOW_S + 300})
}

fn checked(token: &str, keys: &KeySet) -> Result<(), JwtFault> {
    Jwt::parse(token)?.verify(keys, NOW)
}

#[test]
fn each_accepted_algorithm_verifies_and_notices_a_changed_claim() {
    let cases = [
        ("ES256", Signer::p256()),
        ("ES384", Signer::p384()),
        ("EdDSA", Signer::ed()),
        ("RS256", Signer::rsa(&RSA_PKCS1_SHA256)),
        ("RS512", Signer::rsa(&RSA_PKCS1_SHA512)),
        ("PS256", Signer::rsa(&RSA_PSS_SHA256)),
    ];
    for (algorithm, signer) in cases {
        let keys = set(&[signer.jwk("k")]);
        let token = signer.token(&json!({"alg": algorithm, "kid": "k"}), &claims());
        assert!(Jwt::looks_like(&token));
        assert_eq!(checked(&token, &keys), Ok(()), "{algorithm}");
        let mut other = claims();
        *other.get_mut("sub").unwrap() = json!("somebody else");
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let header = signed.split_once('.').unwrap().0;
        let forged = format!("{header}.{}.{signature}", encoded(other.to_string()));
        assert_eq!(
            checked(&forged, &keys),
            Err(JwtFault::Signature),
            "{algorithm}"
        );
    }
}

#[test]
fn none_and_shared_secrets_are_no_algorithms() {
    let signer = Signer::p256();
    let jwk = signer.jwk("k");
    let keys = set(std::slice::from_ref(&jwk));
    for algorithm in [
        "none", "None", "NONE", "nOnE", "", "es256", "HS256", "HS384", "HS512",
    ] {
        let header = json!({"alg": algorithm, "kid": "k"}).to_string();
        let signed = format!("{}.{}", encoded(header), encoded(claims().to_string()));
        // The public key, which everybody has, as the secret of a MAC.
        let secret = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, jwk.to_string().as_bytes());
        let tag = encoded(ring::hmac::sign(&secret, signed.as_bytes()));
        for signature in ["", tag.as_str()] {
            let token = format!("{signed}.{signature}");
            assert_eq!(
                checked(&token, &keys),
                Err(JwtFault::Algorithm),
                "{algorithm}"
            );
        }
    }
}

#[test]
fn a_key_verifies_its_own_kind_of_signature_alone() {
    let signer = Signer::p256();
    let keys = set(&[signer.jwk("k"), Signer::rsa(&RSA_PKCS1_SHA256).jwk("r")]);
    for algorithm in ["ES384", "EdDSA", "RS256"] {
        let token = signer.token(&json!({"alg": algorithm, "kid": "k"}), &claims());
        assert_eq!(checked(&token, &keys), Err(JwtFault::NoKey), "{algorithm}");
    }
    let mut only = Signer::rsa(&RSA_PKCS1_SHA256).jwk("r");
    only.as_object_mut()
        .unwrap()
        .insert("alg".into(), json!("RS256"));
    let pss = Signer::rsa(&RSA_PSS_SHA256);
    let token = pss.token(&json!({"alg": "PS256", "kid": "r"}), &claims());
    assert_eq!(checked(&token, &set(&[only])), Err(JwtFault::NoKey));
}

#[test]
fn a_key_is_chosen_by_its_name_which_is_only_compared() {
    let (ours, theirs) = (Signer::p256(), Signer::p256());
    let keys = set(&[ours.jwk("ours"), theirs.jwk("theirs")]);
    let with = |kid: &Value| ours.token(&json!({"alg": "ES256", "kid": kid}), &claims());
    assert_eq!(checked(&with(&json!("ours")), &keys), Ok(()));
    assert_eq!(
        checked(&with(&json!("theirs")), &keys),
        Err(JwtFault::Signature)
    );
    for kid in [
        "../../etc/passwd",
        "/dev/null",
        "ours\0",
        "OURS",
        "' OR 1=1 --",
        "",
    ] {
        assert_eq!(
            checked(&with(&json!(kid)), &keys),
            Err(JwtFault::NoKey),
            "{kid}"
        );
    }
    assert_eq!(checked(&with(&Value::Null), &keys), Err(JwtFault::WhichKey));
    let one = set(&[ours.jwk("ours")]);
    assert_eq!(checked(&with(&Value::Null), &one), Ok(()));
}

#[test]
fn keys_that_the_token_brings_along_are_not_used() {
    let (ours, attacker) = (Signer::p256(), Signer::p256());
    let keys = set(&[ours.jwk("k")]);
    let header = json!({"alg": "ES256", "kid": "k", "jwk": attacker.jwk("k"),
        "jku": "https://evil.example/keys", "x5u": "https://evil.example/cert"});
    let token = attacker.token(&header, &claims());
    assert_eq!(checked(&token, &keys), Err(JwtFault::Signature));
}

#[test]
fn times_count_with_a_minute_of_leeway() {
    let signer = Signer::ed();
    let keys = set(&[signer.jwk("k")]);
    let at = |exp: Value, nbf: Value| {
        let mut claims = claims();
        let fields = claims.as_object_mut().unwrap();
        fields.insert("exp".into(), exp);
        fields.insert("nbf".into(), nbf);
        checked(&signer.token(&json!({"alg": "EdDSA"}), &claims), &keys)
    };
    assert_eq!(at(json!(NOW_S - 59), Value::Null), Ok(()));
    assert_eq!(at(json!(NOW_S - 60), Value::Null), Err(JwtFault::Expired));
    assert_eq!(at(json!(-1), Value::Null), Err(JwtFault::Expired));
    assert_eq!(at(json!(1e300), json!(NOW_S + 60)), Ok(()));
    assert_eq!(
        at(json!(NOW_S + 300), json!(NOW_S + 61)),
        Err(JwtFault::TooEarly)
    );
    for exp in [json!("never"), Value::Null, json!([NOW_S])] {
        assert!(matches!(at(exp, Value::Null), Err(JwtFault::Form(_))));
    }
}

#[test]
fn a_claim_said_twice_is_refused_and_so_is_what_must_be_understood() {
    let signer = Signer::ed();
    let keys = set(&[signer.jwk("k")]);
    let fine = claims().to_string();
    let header = r#"{"alg":"EdDSA"}"#;
    assert_eq!(checked(&signer.raw(header, &fine), &keys), Ok(()));
    let twice = fine.replacen('{', r#"{"aud":"other","#, 1);
    let headers = [
        r#"{"alg":"EdDSA","alg":"none"}"#,
        r#"{"alg":"EdDSA","crit":["b64"],"b64":false}"#,
        r#"["EdDSA"]"#,
        "{}",
        "",
    ];
    let forms = headers
        .map(|header| signer.raw(header, &fine))
        .into_iter()
        .chain([signer.raw(header, &twice), signer.raw(header, "[]")]);
    for token in forms {
        let fault = checked(&token, &keys);
        assert!(
            matches!(fault, Err(JwtFault::Form(_))),
            "{fault:?}: {token}"
        );
    }
}

#[test]
fn huge_and_broken_tokens_are_refused_before_any_key_is_used() {
    let signer = Signer::ed();
    let mut claims = claims();
    let long = json!("x".repeat(MAX_LEN));
    claims
        .as_object_mut()
        .unwrap()
        .insert("groups".into(), long);
    let deep = "[".repeat(8000);
    let tokens = [
        signer.token(&json!({"alg": "EdDSA"}), &claims),
        signer.raw(&deep, "{}"),
        signer.raw(r#"{"alg":"EdDSA"}"#, &format!("{{\"a\":{deep}")),
        "eyJhbGciOiJFZERTQSJ9..".to_owned(),
        "e..".to_owned(),
        "e.=.=".to_owned(),
        "e.e.e.e".to_owned(),
    ];
    for token in tokens {
        assert!(
            matches!(Jwt::parse(&token), Err(JwtFault::Form(_))),
            "{token:.40}"
        );
    }
}

#[test]
fn an_audience_may_be_one_of_several() {
    let signer = Signer::ed();
    let mut claims = claims();
    *claims.get_mut("aud").unwrap() = json!(["a", "nameplate"]);
    let token = signer.token(&json!({"alg": "EdDSA"}), &claims);
    let token = Jwt::parse(&token).unwrap();
    assert!(token.is_for("nameplate") && token.is_for("a"));
    assert!(!token.is_for("Nameplate") && !token.is_for(""));
}

#[test]
fn a_key_set_says_what_is_wrong_with_it() {
    let parse = |set: Value| {
        KeySet::parse(set.to_string().as_bytes())
            .map(|_| ())
            .unwrap_err()
    };
    let mut private = Signer::ed().jwk("k");
    private
        .as_object_mut()
        .unwrap()
        .insert("d".into(), json!("secret"));
    let error = parse(json!({"keys": [Signer::p256().jwk("k"), private]}));
    assert_eq!(error, KeySetError::Private(1));
    let weak = json!({"kty": "RSA", "n": encoded([255; 128]), "e": "AQAB"});
    assert!(
        parse(json!({"keys": [weak]}))
            .to_string()
            .starts_with("`keys[0].n`")
    );
    let short = json!({"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"});
    assert!(
        parse(json!({"keys": [short]}))
            .to_string()
            .starts_with("`keys[0].x`")
    );
    let shared = json!({"kty": "oct", "k": "c2VjcmV0", "alg": "HS256"});
    let others = [
        shared,
        json!({"kty": "EC", "crv": "P-521"}),
        json!({"kty": "AKP"}),
    ];
    assert_eq!(parse(json!({ "keys": others })), KeySetError::Empty);
    assert_eq!(parse(json!({"keys": []})), KeySetError::Empty);
    let many = vec![json!({"kty": "oct"}); 65];
    assert_eq!(parse(json!({ "keys": many })), KeySetError::TooMany);
    assert!(matches!(parse(json!({})), KeySetError::Json(_)));
    let large = KeySet::parse(&vec![b' '; 300 << 10])
        .map(|_| ())
        .unwrap_err();
    assert_eq!(large, KeySetError::TooLarge);
}
