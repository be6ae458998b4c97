//! The migrations are inside the program: a new one means a new program. So is the playground in a
//! release; a debug build reads it from its folder.

use std::path::Path;

fn main() {
    println!("cargo::rerun-if-changed=migrations");
    #[expect(clippy::disallowed_methods, reason = "a build script hears from cargo this way")]
    let profile = std::env::var("PROFILE");
    if profile.is_ok_and(|profile| profile == "release") {
        let bundle = "playground/dist/index.html";
        // A path that is not there would make every build a new one.
        let watched = if Path::new(bundle).exists() { bundle } else { "playground" };
        println!("cargo::rerun-if-changed={watched}");
    }
}
