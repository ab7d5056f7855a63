use std::path::Path;

/// Says what the figures were measured on.
pub(super) fn describe(folder: &Path) {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    println!(
        "- {cores} cores ({}), {} file system",
        processor(),
        file_system(folder)
    );
    describe_load();
    println!();
}

/// Says how busy the machine is: figures of a shared one are only worth their ratios.
pub(super) fn describe_load() {
    println!("- load average {}", first_words("/proc/loadavg", 3));
}

fn processor() -> String {
    let content = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let line = content.lines().find(|line| line.starts_with("model name"));
    let name = line
        .and_then(|line| line.split(':').nth(1))
        .unwrap_or("unknown");
    name.trim().to_owned()
}

fn file_system(folder: &Path) -> String {
    let mounts = std::fs::read_to_string("/proc/mounts").unwrap_or_default();
    let mut best = ("", "unknown");
    for line in mounts.lines() {
        let mut words = line.split_whitespace().skip(1);
        let (Some(point), Some(kind)) = (words.next(), words.next()) else {
            continue;
        };
        if folder.starts_with(point) && point.len() > best.0.len() {
            best = (point, kind);
        }
    }
    best.1.to_owned()
}

fn first_words(path: &str, count: usize) -> String {
    let content = std::fs::read_to_string(path).unwrap_or_default();
    content
        .split_whitespace()
        .take(count)
        .collect::<Vec<_>>()
        .join(" ")
}
