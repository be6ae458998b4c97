//! The migrations are inside the program: a new one means a new program.
#![expect(clippy::print_stdout, reason = "that is how one speaks to cargo")]

fn main() {
    println!("cargo::rerun-if-changed=migrations");
}
