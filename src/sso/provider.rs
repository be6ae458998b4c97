//! The conversation with an identity provider: how it describes itself, and what it says of a
//! person.

use std::{error::Error as StdError, sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use openidconnect::{
    AuthType, AuthenticationFlow, AuthorizationCode, ClaimsVerificationError, ClientId,
    ClientSecret, CsrfToken, EndpointMaybeSet, EndpointNotSet, EndpointSet, IssuerUrl, Nonce,
    PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope, SignatureVerificationError,
    TokenResponse,
    core::{
        CoreClient, CoreClientAuthMethod, CoreIdToken, CoreJwsSigningAlgorithm,
        CoreProviderMetadata, CoreResponseType,
    },
};
use quick_cache::sync::Cache;
use secrecy::{ExposeSecret, SecretString};

use super::{
    values::{Claims, may_be_asked},
    web::Web,
};
use crate::clock::Timestamp;

/// How long a provider's description of itself is believed.
const FRESH: Duration = Duration::from_mins(10);
/// How long one that cannot be reached is left alone: whoever waits for it waits once.
const LEFT_ALONE: Duration = Duration::from_secs(10);
/// How old its keys are at least before a token of an unknown one makes us ask again.
const CURIOSITY: Duration = Duration::from_mins(1);
/// Providers that are remembered.
const KNOWN: usize = 1000;

/// Signed by a key that only the provider has; what the client secret signs (HS256) we could
/// have signed ourselves.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 9] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

/// Identity providers as they describe themselves, and the way to them.
#[derive(Clone)]
pub struct Providers(Arc<Inner>);

struct Inner {
    web: Web,
    known: Cache<String, Arc<Known>>,
}

struct Known {
    read_at: Timestamp,
    metadata: Result<CoreProviderMetadata, Trouble>,
}

/// Why a provider's answer is good for nothing. For the log; people are told less.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Trouble(String);

impl Trouble {
    /// The whole chain, and never the answer itself, which may hold tokens.
    fn of(error: &(dyn StdError + 'static)) -> Self {
        let chain = std::iter::successors(Some(error), |&error| error.source());
        Self(chain.map(ToString::to_string).collect::<Vec<_>>().join(": "))
    }
}

/// Who we are at a provider.
pub struct Registration<'a> {
    pub issuer: &'a str,
    pub client_id: &'a str,
    pub client_secret: &'a SecretString,
    /// Where people come back to.
    pub redirect: String,
}

/// What belongs to one sign-in.
pub struct Handshake {
    pub state: String,
    pub nonce: String,
    pub verifier: String,
}

type Client = CoreClient<
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

impl Providers {
    /// `allow_local`: providers on this machine, over http. For development.
    pub fn new(allow_local: bool) -> Self {
        Self(Arc::new(Inner { web: Web::new(allow_local), known: Cache::new(KNOWN) }))
    }

    pub fn allow_local(&self) -> bool {
        self.0.web.allow_local
    }

    /// Where to send the person.
    pub async fn sign_in_url(
        &self,
        now: Timestamp,
        we: &Registration<'_>,
        scopes: Vec<String>,
        handshake: Handshake,
    ) -> Result<String, Trouble> {
        let known = self.known(we.issuer, now, FRESH).await?;
        let client = client(known.metadata.clone()?, we)?;
        let Handshake { state, nonce, verifier } = handshake;
        let verifier = PkceCodeVerifier::new(verifier);
        let (url, ..) = client
            .authorize_url(
                AuthenticationFlow::<CoreResponseType>::AuthorizationCode,
                || CsrfToken::new(state),
                || Nonce::new(nonce),
            )
            .add_scope(Scope::new("email".into()))
            .add_scope(Scope::new("profile".into()))
            .add_scopes(scopes.into_iter().map(Scope::new))
            .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier))
            .url();
        // A browser is sent there: it is no "javascript:".
        match may_be_asked(&url, self.allow_local()) {
            true => Ok(url.into()),
            false => Err(Trouble(format!("{url} is no address to send a person to"))),
        }
    }

    /// Who came back with this code.
    pub async fn redeem(
        &self,
        now: Timestamp,
        we: &Registration<'_>,
        code: String,
        handshake: Handshake,
    ) -> Result<Claims, Trouble> {
        let known = self.known(we.issuer, now, FRESH).await?;
        let client = client(known.metadata.clone()?, we)?;
        let answer = client
            .exchange_code(AuthorizationCode::new(code))
            .map_err(|error| Trouble::of(&error))?
            .set_pkce_verifier(PkceCodeVerifier::new(handshake.verifier))
            .request_async(&self.0.web)
            .await
            .map_err(|error| Trouble::of(&error))?;
        let token = answer.id_token().ok_or_else(|| Trouble("no ID token".into()))?;
        let nonce = Nonce::new(handshake.nonce);
        match verify(&client, token, &nonce, now) {
            // Its keys may have been replaced since.
            Err(ClaimsVerificationError::SignatureVerification(
                SignatureVerificationError::NoMatchingKey,
            )) => {
                let known = self.known(we.issuer, now, CURIOSITY).await?;
                let client = self::client(known.metadata.clone()?, we)?;
                verify(&client, token, &nonce, now)
            }
            verified => verified,
        }
        .map_err(|error| Trouble::of(&error))?;
        read(token).ok_or_else(|| Trouble("an ID token that cannot be read".into()))
    }

    /// How the provider describes itself, no longer ago than that.
    async fn known(
        &self,
        issuer: &str,
        now: Timestamp,
        age: Duration,
    ) -> Result<Arc<Known>, Trouble> {
        let Inner { web, known } = &*self.0;
        let good = |known: &Arc<Known>| {
            let life = if known.metadata.is_ok() { age } else { LEFT_ALONE };
            now < known.read_at.plus(life)
        };
        if let Some(known) = known.get(issuer).filter(good) {
            return Ok(known);
        }
        let url = IssuerUrl::new(issuer.to_owned()).map_err(|error| Trouble::of(&error))?;
        let metadata = CoreProviderMetadata::discover_async(url, web).await;
        let metadata = metadata.map_err(|error| Trouble::of(&error));
        let found = Arc::new(Known { read_at: now, metadata });
        known.insert(issuer.to_owned(), found.clone());
        Ok(found)
    }
}

fn client(metadata: CoreProviderMetadata, we: &Registration<'_>) -> Result<Client, Trouble> {
    let redirect = RedirectUrl::new(we.redirect.clone()).map_err(|error| Trouble::of(&error))?;
    let secret = ClientSecret::new(we.client_secret.expose_secret().to_owned());
    let methods = metadata.token_endpoint_auth_methods_supported();
    let knows = |method| methods.is_none_or(|known| known.contains(&method));
    let auth = match knows(CoreClientAuthMethod::ClientSecretBasic) {
        true => AuthType::BasicAuth,
        false => AuthType::RequestBody,
    };
    let id = ClientId::new(we.client_id.to_owned());
    Ok(CoreClient::from_provider_metadata(metadata, id, Some(secret))
        .set_redirect_uri(redirect)
        .set_auth_type(auth))
}

/// Signature, issuer, audience, nonce and time.
fn verify(
    client: &Client,
    token: &CoreIdToken,
    nonce: &Nonce,
    now: Timestamp,
) -> Result<(), ClaimsVerificationError> {
    let verifier =
        client.id_token_verifier().set_allowed_algs(ALGORITHMS).set_time_fn(move || now.0);
    token.claims(&verifier, nonce).map(drop)
}

/// All claims of a token that was verified: which ones matter is the tenant's to say.
fn read(token: &CoreIdToken) -> Option<Claims> {
    let text = token.to_string();
    let payload = BASE64.decode(text.split('.').nth(1)?).ok()?;
    serde_json::from_slice(&payload).ok().map(Claims)
}
