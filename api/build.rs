//! Makes the folder of the account pages when nobody has built them, so that the rest can be built and
//! tested without Node; the pages then say how to build them.

fn main() {
    let dist = "../web/account/dist";
    // A read-only source tree that lacks the folder fails at the embedding, which names it.
    let _ = std::fs::create_dir_all(dist);
    println!("cargo::rerun-if-changed={dist}");
}
