//! The migrations are inside the program: a new one means a new program.

fn main() {
    println!("cargo::rerun-if-changed=migrations");
}
