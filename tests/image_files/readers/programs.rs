//! The programs, and what they load.

use std::process::Command;

use embedded_registry::RunningRegistry;

use super::containerd::Containerd;
use super::content::{Form, Part, SourceImages, WrittenFile, repository};
use crate::environment::TestEnvironment;

/// A program that reads image files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Program {
    Mirror,
    Skopeo,
    Podman,
    Containerd,
    Regctl,
    Oras,
    Crane,
}

pub(super) const PROGRAMS: [Program; 7] = [
    Program::Mirror,
    Program::Skopeo,
    Program::Podman,
    Program::Containerd,
    Program::Regctl,
    Program::Oras,
    Program::Crane,
];

/// The result of loading a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Loaded {
    /// The part with its digest.
    Whole,
    /// The same image, for one platform or with another manifest.
    Image,
    /// Another image.
    Another,
    /// Nothing.
    Nothing,
    /// The file does not have the part.
    Absent,
}

impl Program {
    /// Returns the command that reads a file, as in the documentation; `None` if the program does not read
    /// such files.
    pub(super) fn command(self, file: WrittenFile) -> Option<(&'static str, &'static str)> {
        let by = match file.form {
            Form::Archive => "`export FILE.tar`",
            Form::Directory => "`export DIR`",
            Form::Repositories => "`export DIR --layout repositories`",
            Form::Oci => "`copy … oci:DIR:TAG`",
            Form::OciArchive => "`copy … oci-archive:FILE:NAME`",
            Form::DockerArchive => "`copy … docker-archive:FILE:NAME`",
        };
        let command = match (self, file.form) {
            (Self::Mirror, Form::DockerArchive) => "`mirror copy docker-archive:FILE:NAME`",
            (Self::Mirror, _) if file.is_archive() => "`mirror copy oci-archive:FILE:NAME`",
            (Self::Mirror, _) => "`mirror copy oci:DIR:NAME`",
            (Self::Skopeo, Form::DockerArchive) => "`skopeo copy docker-archive:FILE:NAME`",
            (Self::Skopeo, _) if file.is_archive() => "`skopeo copy --all oci-archive:FILE:NAME`",
            (Self::Skopeo, _) => "`skopeo copy --all oci:DIR:NAME`",
            (Self::Podman, _) if file.is_archive() => "`podman load --input FILE`",
            (Self::Containerd, _) if file.is_archive() => {
                "`ctr images import --all-platforms FILE`"
            }
            (Self::Podman | Self::Containerd, _) => return None,
            (Self::Regctl, _) if file.is_archive() => "`regctl image import --name NAME … FILE`",
            (Self::Regctl, _) => "`regctl image copy --digest-tags --referrers ocidir://DIR:TAG`",
            (Self::Oras, _) if file.is_archive() => return None,
            (Self::Oras, _) => "`oras copy --recursive --from-oci-layout DIR:TAG`",
            (Self::Crane, Form::OciArchive | Form::DockerArchive | Form::Archive) => {
                "`crane push FILE`"
            }
            (Self::Crane, _) => "`crane push DIR`",
        };
        Some((command, by))
    }
}

/// The programs with their files and their destination.
pub(super) struct Reading<'a> {
    pub(super) environment: &'a TestEnvironment,
    pub(super) images: &'a SourceImages,
    pub(super) destination: &'a RunningRegistry,
    pub(super) containerd: Containerd,
}

impl Reading<'_> {
    /// Loads a part of a file.
    pub(super) fn load(&self, program: Program, file: WrittenFile, part: Part) -> Loaded {
        if !file.has(part) {
            return Loaded::Absent;
        }
        match program {
            Program::Podman => self.podman(file, part),
            Program::Containerd => self.containerd(file, part),
            _ => self.copy_to_registry(program, file, part),
        }
    }

    fn podman(&self, file: WrittenFile, part: Part) -> Loaded {
        let directory = self.environment.path(&format!("podman-{:?}", file.form));
        let podman = || {
            let mut command = self.environment.command_for(testkit::program("podman"));
            command.args(["--storage-driver", "vfs", "--events-backend", "file"]);
            command.arg("--root").arg(directory.join("root"));
            command.arg("--runroot").arg(directory.join("run"));
            command
        };
        if !directory.exists() {
            podman()
                .args(["load", "--input", &file.path("")])
                .output()
                .unwrap();
        }
        let name = file.name(part, self.images);
        let format = "--format={{.Id}}";
        let found = stdout(podman().args(["image", "inspect", format, &name]));
        let is_image = matches!(part, Part::One | Part::Several | Part::ByDigest);
        match found {
            Some(id) if is_image && self.images.config(part).ends_with(id.trim()) => {
                // podman keeps one platform.
                if part == Part::Several {
                    Loaded::Image
                } else {
                    Loaded::Whole
                }
            }
            _ => Loaded::Nothing,
        }
    }

    fn containerd(&self, file: WrittenFile, part: Part) -> Loaded {
        let namespace = format!("{:?}", file.form);
        let ctr = || self.containerd.ctr(self.environment, &namespace);
        let listed = |what: &str| stdout(ctr().args([what, "ls"])).unwrap_or_default();
        if listed("images").lines().count() < 2 {
            let mut import = ctr();
            import.args([
                "images",
                "import",
                "--all-platforms",
                "--snapshotter",
                "native",
            ]);
            import.arg(file.path("")).output().unwrap();
            // containerd removes content without a name at any time: a deletion that waits removes it now.
            let name = file.name(Part::Several, self.images);
            ctr()
                .args(["images", "tag", &name, "removed:1"])
                .output()
                .unwrap();
            let remove = ["images", "rm", "--sync", "removed:1"];
            assert!(ctr().args(remove).output().unwrap().status.success());
        }
        let digest = self.images.digest(part);
        let is_loaded = match part {
            Part::Signature | Part::Referrer => listed("content").contains(&digest),
            _ => {
                let name = file.name(part, self.images);
                let images = listed("images");
                let mut lines = images.lines().map(str::split_whitespace);
                lines.any(|mut words| {
                    words.next() == Some(&name) && words.any(|word| word == digest)
                })
            }
        };
        if is_loaded {
            Loaded::Whole
        } else {
            Loaded::Nothing
        }
    }

    /// Copies an image with what is attached to it into a registry, and looks for the part there.
    fn copy_to_registry(&self, program: Program, file: WrittenFile, part: Part) -> Loaded {
        let target = format!("{program:?}/{:?}/{part:?}", file.form).to_lowercase();
        let host = self.destination.host();
        let to = format!("{host}/{target}:v1");
        let image = match part {
            // skopeo copies the signature by its own name; the others find it.
            Part::Signature if program != Program::Skopeo => Part::Several,
            part => part,
        };
        let path = file.path(repository(image));
        let name = file.name(image, self.images);
        let mut command = match program {
            Program::Mirror => self.environment.mirror_command_without_vv(),
            _ => {
                let program = testkit::program(program_name(program));
                self.environment.command_for(program)
            }
        };
        match program {
            Program::Mirror => {
                let transport = transport(file);
                command.args(["copy", &format!("{transport}:{path}:{name}"), &to]);
            }
            Program::Skopeo => skopeo(&mut command, file, &format!("{path}:{name}"), &to),
            Program::Regctl => {
                command.args(["--host", &format!("reg={host},tls=disabled"), "image"]);
                if file.is_archive() {
                    command.args(["import", "--name", &name, &to, &path]);
                } else {
                    command.args(["copy", "--digest-tags", "--referrers"]);
                    command.args([&in_layout("ocidir://", &path, &name), &to]);
                }
            }
            Program::Oras => {
                command.args([
                    "copy",
                    "--recursive",
                    "--to-plain-http",
                    "--from-oci-layout",
                ]);
                command.args([&in_layout("", &path, &name), &to]);
            }
            _ => {
                command.args(["push", "--insecure", &path, &to]);
            }
        }
        command.output().unwrap();
        self.found(&target, program, part)
    }

    fn found(&self, target: &str, program: Program, part: Part) -> Loaded {
        let digest = self.images.digest(part);
        let tagged = |tag: &str| {
            let found = self.destination.tagged(target, tag);
            found.map(|found| found.digest.to_string())
        };
        let is_found = match part {
            Part::Referrer => {
                let subject = self.images.digest(Part::Several);
                let url = format!("{}/{target}@{subject}", self.destination.host());
                let crane = testkit::program("oras");
                let mut discover = self.environment.command_for(crane);
                let listed = stdout(discover.args(["discover", "--plain-http", &url]));
                listed.is_some_and(|listed| listed.contains(&digest))
            }
            Part::Signature if program != Program::Skopeo => {
                tagged(&self.images.signature_tag()) == Some(digest)
            }
            _ => match tagged("v1") {
                // regctl converts no image.
                Some(found) if found != digest && program == Program::Regctl => {
                    return Loaded::Another;
                }
                Some(found) if found != digest => return Loaded::Image,
                found => found.is_some(),
            },
        };
        if is_found {
            Loaded::Whole
        } else {
            Loaded::Nothing
        }
    }
}

fn program_name(program: Program) -> &'static str {
    match program {
        Program::Mirror => "mirror",
        Program::Skopeo => "skopeo",
        Program::Podman => "podman",
        Program::Containerd => "containerd",
        Program::Regctl => "regctl",
        Program::Oras => "oras",
        Program::Crane => "crane",
    }
}

fn transport(file: WrittenFile) -> &'static str {
    match file.form {
        Form::DockerArchive => "docker-archive",
        _ if file.is_archive() => "oci-archive",
        _ => "oci",
    }
}

fn skopeo(command: &mut Command, file: WrittenFile, source: &str, to: &str) {
    command.args(["--insecure-policy", "copy", "--dest-tls-verify=false"]);
    let transport = transport(file);
    if transport != "docker-archive" {
        command.arg("--all");
    }
    command.args([&format!("{transport}:{source}"), &format!("docker://{to}")]);
}

/// Returns the name of an image in a layout: by its tag, or by its digest.
fn in_layout(scheme: &str, path: &str, name: &str) -> String {
    match name.rsplit_once("sha256:") {
        Some((_, hex)) => format!("{scheme}{path}@sha256:{hex}"),
        None => format!("{scheme}{path}:{}", name.rsplit(':').next().unwrap_or(name)),
    }
}

/// Returns the output of a program that succeeds.
fn stdout(command: &mut Command) -> Option<String> {
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    output.status.success().then_some(text)
}
