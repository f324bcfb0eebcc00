//! A real containerd, as root, without its plugin for Kubernetes, which needs control groups.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::environment::TestEnvironment;

/// Maximum time until containerd listens. It takes milliseconds, unless the machine is busy.
const START: Duration = Duration::from_secs(60);

/// A containerd that runs until this is dropped.
pub(super) struct Containerd {
    process: Child,
    socket: PathBuf,
}

impl Containerd {
    pub(super) fn start(environment: &TestEnvironment) -> Self {
        let directory = environment.path("containerd");
        std::fs::create_dir(&directory).unwrap();
        let path = |name: &str| directory.join(name);
        let socket = path("socket");
        let config = format!(
            "version = 2\nroot = {:?}\nstate = {:?}\n\
             disabled_plugins = [\"io.containerd.grpc.v1.cri\", \"io.containerd.internal.v1.opt\", \
             \"io.containerd.snapshotter.v1.overlayfs\", \"io.containerd.snapshotter.v1.btrfs\", \
             \"io.containerd.snapshotter.v1.devmapper\", \"io.containerd.snapshotter.v1.zfs\"]\n\
             [grpc]\naddress = {socket:?}\n[ttrpc]\naddress = {:?}\n",
            path("root"),
            path("state"),
            path("ttrpc"),
        );
        std::fs::write(path("config.toml"), config).unwrap();
        let log = std::fs::File::create(path("log")).unwrap();
        let process = environment
            .command_for(testkit::program("containerd"))
            .arg("--config")
            .arg(path("config.toml"))
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut containerd = Self { process, socket };
        let deadline = Instant::now() + START;
        while !containerd.is_ready(environment) {
            let log = std::fs::read_to_string(path("log")).unwrap();
            let ended = containerd.process.try_wait().unwrap();
            assert!(
                ended.is_none() && Instant::now() < deadline,
                "containerd does not start; it needs root: {ended:?}\n{log}"
            );
            std::thread::sleep(Duration::from_millis(50));
        }
        containerd
    }

    /// Returns `ctr` in a namespace of containerd.
    pub(super) fn ctr(&self, environment: &TestEnvironment, namespace: &str) -> Command {
        let mut command = environment.command_for(testkit::program("ctr"));
        command
            .arg("--address")
            .arg(&self.socket)
            .args(["--namespace", namespace]);
        command
    }

    fn is_ready(&self, environment: &TestEnvironment) -> bool {
        self.socket.exists()
            && self
                .ctr(environment, "test")
                .arg("version")
                .output()
                .unwrap()
                .status
                .success()
    }
}

impl Drop for Containerd {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}
