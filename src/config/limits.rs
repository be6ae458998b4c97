//! What requests may amount to: the one place of these numbers.

use clap::Args;

use crate::buckets::Rate;

/// Each limit with its name on the command line and in the environment, and its default.
macro_rules! limits {
    ($($(#[doc = $doc:literal])* $name:ident: $type:ty = $default:literal, $long:literal, $env:literal;)*) => {
        /// What a request, and all requests of one caller, may amount to.
        #[derive(Clone, Debug, Args)]
        pub struct Limits {
            $(
                $(#[doc = $doc])*
                #[arg(long = $long, env = $env, global = true, value_name = "N",
                      default_value_t = $default, help_heading = "Limits")]
                pub $name: $type,
            )*

            /// Measure everything and tell it, but refuse only what would harm the reader of
            /// documents itself (bytes, tokens, brackets, fields, fragments)
            #[arg(long = "limit-warn-only", env = "KONTOR_LIMIT_WARN_ONLY", global = true,
                  help_heading = "Limits")]
            pub warn_only: bool,
        }

        impl Limits {
            pub const DEFAULT: Self = Self { $($name: $default,)* warn_only: false };
        }
    };
}

limits! {
    /// Bytes of a request's body, for example 2097152
    body: usize = 1_048_576, "limit-body", "KONTOR_LIMIT_BODY";
    /// Bytes of a document, for example 131072
    document: u64 = 65_536, "limit-document", "KONTOR_LIMIT_DOCUMENT";
    /// Bytes of a request's variables, for example 1048576
    variables: u64 = 524_288, "limit-variables", "KONTOR_LIMIT_VARIABLES";
    /// Tokens of a document, for example 10000
    tokens: u64 = 5000, "limit-tokens", "KONTOR_LIMIT_TOKENS";
    /// Brackets in each other, for example 60. The reader of documents recurses that deep
    brackets: u64 = 50, "limit-brackets", "KONTOR_LIMIT_BRACKETS";
    /// Fragments of a document, for example 200
    fragments: u64 = 100, "limit-fragments", "KONTOR_LIMIT_FRAGMENTS";
    /// Fields of a document with every fragment in its place, for example 4000
    fields: u64 = 2000, "limit-fields", "KONTOR_LIMIT_FIELDS";
    /// Levels of fields in each other, for example 12
    depth: u64 = 15, "limit-depth", "KONTOR_LIMIT_DEPTH";
    /// The same in questions about the schema itself, for example 25
    introspection_depth: u64 = 20, "limit-introspection-depth", "KONTOR_LIMIT_INTROSPECTION_DEPTH";
    /// Aliases of a document, for example 100
    aliases: u64 = 50, "limit-aliases", "KONTOR_LIMIT_ALIASES";
    /// Fields at the root of a query, for example 30
    root_fields: u64 = 20, "limit-root-fields", "KONTOR_LIMIT_ROOT_FIELDS";
    /// Fields at the root of a mutation, for example 20
    mutations: u64 = 10, "limit-mutations", "KONTOR_LIMIT_MUTATIONS";
    /// What one operation may cost, for example 8000
    cost: u64 = 5000, "limit-cost", "KONTOR_LIMIT_COST";
    /// Bytes of an answer, for example 20971520
    answer: usize = 10_485_760, "limit-answer", "KONTOR_LIMIT_ANSWER";
    /// The points that one caller may spend at once, for example 20000
    points: u32 = 10_000, "limit-points", "KONTOR_LIMIT_POINTS";
    /// The points that a caller gets back each second, for example 1000
    restored: u32 = 500, "limit-restored", "KONTOR_LIMIT_RESTORED";
    /// The points that an administrator may give a program to spend at once, for example 50000;
    /// never less than all may
    client_points: u32 = 10_000, "limit-client-points", "KONTOR_LIMIT_CLIENT_POINTS";
    /// The points that an administrator may let a program have back each second, for example 2000
    client_restored: u32 = 500, "limit-client-restored", "KONTOR_LIMIT_CLIENT_RESTORED";
    /// Operations without sign-in, per minute and address, for example 300
    anonymous: u32 = 100, "limit-anonymous", "KONTOR_LIMIT_ANONYMOUS";
    /// Sign-ins and resets, failed or not, per minute and address, for example 60
    sign_ins: u32 = 10, "limit-sign-ins", "KONTOR_LIMIT_SIGN_INS";
}

/// What somebody may spend, where that is not what everybody may.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allowance {
    /// At once.
    pub points: Option<u32>,
    /// Back each second.
    pub restored: Option<u32>,
}

/// In the demo everybody comes from one address.
const DEMO: u32 = 10;

impl Limits {
    /// What one address may do is ten times more in the demo, unless it was said.
    #[must_use]
    pub fn for_demo(mut self) -> Self {
        let Self { anonymous, sign_ins, .. } = Self::DEFAULT;
        for (own, default) in [(&mut self.anonymous, anonymous), (&mut self.sign_ins, sign_ins)] {
            if *own == default {
                *own = default.saturating_mul(DEMO);
            }
        }
        self
    }

    /// What a caller may spend.
    pub fn points(&self) -> Rate {
        self.points_of(Allowance::default())
    }

    /// What a caller may spend who has an allowance of their own, as far as the server goes.
    pub fn points_of(&self, allowance: Allowance) -> Rate {
        let (points, restored) = self.most_allowed();
        let points = allowance.points.unwrap_or(self.points).min(points);
        let restored = allowance.restored.unwrap_or(self.restored).min(restored);
        Rate::per_second(points, restored)
    }

    /// The most that a program may be given: points at once, and back each second.
    pub fn most_allowed(&self) -> (u32, u32) {
        (self.points.max(self.client_points), self.restored.max(self.client_restored))
    }

    /// What an address may ask without sign-in.
    pub fn anonymous(&self) -> Rate {
        Rate::per_minute(self.anonymous)
    }

    /// How often somebody may sign in, or try to, from an address.
    pub fn sign_ins(&self) -> Rate {
        Rate::per_minute(self.sign_ins)
    }
}
