//! Writes the inputs that mutations begin with into `corpus/<target>`, for libFuzzer.

use std::{fs, io, path::Path};

fn main() -> io::Result<()> {
    write("frames", &fleuve_fuzz::frames_seeds())?;
    write("record_batch", &fleuve_fuzz::record_batch_seeds())?;
    write("recovery", &fleuve_fuzz::recovery_seeds())?;
    write("request", &fleuve_fuzz::request_seeds())?;
    write("session", &fleuve_fuzz::session_seeds())
}

fn write(target: &str, seeds: &[Vec<u8>]) -> io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(target);
    fs::create_dir_all(&folder)?;
    for (number, seed) in seeds.iter().enumerate() {
        fs::write(folder.join(format!("seed-{number}")), seed)?;
    }
    Ok(())
}
