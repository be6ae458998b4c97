//! How far it is: a bar at a terminal, else a line for each tenant.

use std::{
    io::{IsTerminal, Write, stderr},
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Instant,
};

const WIDTH: u64 = 30;

pub struct Progress {
    began: Instant,
    rows: AtomicU64,
    expected: u64,
    bar: bool,
}

impl Progress {
    /// `expected` need not be exact.
    pub fn of(expected: u64) -> Self {
        let bar = stderr().is_terminal();
        Self { began: Instant::now(), rows: AtomicU64::new(0), expected: expected.max(1), bar }
    }

    pub fn add(&self, rows: u64) {
        let rows = self.rows.fetch_add(rows, Relaxed) + rows;
        if self.bar {
            let percent = (rows * 100 / self.expected).min(99);
            let full = (0..WIDTH).map(|at| if at * 100 < percent * WIDTH { '#' } else { '·' });
            let (full, so_far) = (full.collect::<String>(), self.so_far());
            self.say(&format!("\r[{full}] {percent:>2} %, {so_far}"));
        }
    }

    pub fn tenant(&self, slug: &str) {
        if !self.bar {
            self.say(&format!("{slug}: {}\n", self.so_far()));
        }
    }

    pub fn end(&self) {
        let clear = if self.bar { "\r\x1b[K" } else { "" };
        self.say(&format!("{clear}Made {}.\n", self.so_far()));
    }

    fn so_far(&self) -> String {
        let seconds = self.began.elapsed().as_secs();
        format!("{} rows in {seconds} s", grouped(self.rows.load(Relaxed)))
    }

    /// Nobody may be reading.
    fn say(&self, text: &str) {
        let mut out = stderr().lock();
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    }
}

/// 1,234,567.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let comma = |(at, digit): (usize, char)| {
        let comes = at > 0 && (digits.len() - at).is_multiple_of(3);
        [comes.then_some(','), Some(digit)]
    };
    digits.chars().enumerate().flat_map(comma).flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_readable() {
        let told = [7, 123, 1_234, 1_234_567].map(grouped);
        assert_eq!(told, ["7", "123", "1,234", "1,234,567"]);
    }
}
