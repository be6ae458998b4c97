//! CPU and memory of processes, by the kernel's own accounts.

use std::{
    fs,
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

/// The kernel counts in these, a hundred a second.
const TICK: f64 = 10_000.0;

pub struct Process {
    child: Child,
    pub address: String,
}

impl Process {
    /// Starts a server that says where it listens behind `mark`.
    pub fn start(program: &str, arguments: &[&str], mark: &str) -> Self {
        let mut command = Command::new(program);
        command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let line = lines.find(|line| line.contains(mark)).expect("it listens");
        let address = line.split(mark).nth(1).unwrap().split('/').next().unwrap().to_owned();
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, address }
    }

    /// CPU so far, in µs.
    pub fn cpu(&self) -> f64 {
        cpu_of(self.child.id(), false)
    }

    /// Resident memory, in KiB.
    pub fn resident(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// CPU of a process in µs; `family` adds its children, those that have ended too.
pub fn cpu_of(pid: u32, family: bool) -> f64 {
    let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else { return 0.0 };
    // The name in parentheses may hold spaces.
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
    let ticks = |at: usize| fields[at].parse::<f64>().unwrap();
    let own = ticks(11) + ticks(12);
    if !family {
        return own * TICK;
    }
    let children =
        fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    let children = children.split_whitespace().map(|child| cpu_of(child.parse().unwrap(), false));
    (own + ticks(13) + ticks(14)) * TICK + children.sum::<f64>()
}
