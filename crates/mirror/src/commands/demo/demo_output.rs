//! The output of the demo.

use std::fmt::Display;

use serde_json::{Value, json};

use super::own_program::OwnProgram;
use crate::cli::failure::Failure;
use crate::cli::options::OutputFormat;
use crate::terminal::output::Output;

/// The output of the demo: text during the run, or one JSON document at its end.
pub(super) struct DemoOutput {
    output: Output,
    steps: Vec<Value>,
}

impl DemoOutput {
    pub(super) fn new(output: Output) -> Self {
        Self {
            output,
            steps: Vec::new(),
        }
    }

    pub(super) fn print(&mut self, text: &str) -> Result<(), Failure> {
        match self.output.format() {
            OutputFormat::Text => self.output.write_bytes(text.as_bytes()),
            OutputFormat::Json => Ok(()),
        }
    }

    pub(super) fn step(
        &mut self,
        command: &str,
        text: &dyn Display,
        document: Value,
    ) -> Result<(), Failure> {
        self.steps
            .push(json!({"command": command, "result": document}));
        self.print(&format!("\n$ {command}\n{text}"))
    }

    /// Runs a command of this program and adds its result.
    pub(super) async fn run(&mut self, program: &OwnProgram, line: &str) -> Result<(), Failure> {
        let format = self.output.format();
        let result = program.run(line, format).await?;
        let document = match format {
            OutputFormat::Text => Value::Null,
            OutputFormat::Json => serde_json::from_str(&result).unwrap_or_default(),
        };
        self.step(&format!("mirror {line}"), &result, document)
    }

    pub(super) fn finish(self) -> Result<(), Failure> {
        match self.output.format() {
            OutputFormat::Text => Ok(()),
            OutputFormat::Json => self.output.write(&"", &json!({"steps": self.steps})),
        }
    }
}
