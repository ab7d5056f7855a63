//! Shows what an input holds: `show <target> <file>`, or `show <target> <round>` of the short run.

fn main() {
    let mut arguments = std::env::args().skip(1);
    let target = arguments.next().expect("a target");
    let input = arguments
        .next()
        .expect("a file, or a round of the short run");
    let seeds = match target.as_str() {
        "record_batch" => fleuve_fuzz::record_batch_seeds(),
        "recovery" => fleuve_fuzz::recovery_seeds(),
        _ => panic!("there is no target {target}"),
    };
    let data = match input.parse() {
        Ok(round) => fleuve_fuzz::mutate::one(&seeds, round),
        Err(_) => std::fs::read(&input).expect("the file is readable"),
    };
    match target.as_str() {
        "record_batch" => println!("{data:02x?}"),
        _ => fleuve_fuzz::show_recovery(&data),
    }
}
