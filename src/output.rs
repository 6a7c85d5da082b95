//! Standard output, or the file that stands for it: buffered, and an error is an error.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal as _, Write};
use std::path::Path;

use anstream::ColorChoice;
use anyhow::{Context as _, Result};

/// Where results go.
pub(crate) struct Output {
    writer: BufWriter<Box<dyn Write>>,
    /// Whether what is written may hold colours.
    pub(crate) colored: bool,
}

impl Output {
    /// Standard output, or the file at `path`.
    ///
    /// # Errors
    /// The file can't be made.
    pub(crate) fn open(path: Option<&Path>) -> Result<Self> {
        let (writer, colored): (Box<dyn Write>, bool) = match path {
            Some(path) => {
                let file = File::create(path);
                let file = file.with_context(|| format!("{}: can't be written; name another file", path.display()))?;
                (Box::new(file), ColorChoice::global() == ColorChoice::Always)
            }
            None => {
                let stdout = io::stdout();
                let colored = match ColorChoice::global() {
                    ColorChoice::Always | ColorChoice::AlwaysAnsi => true,
                    ColorChoice::Never => false,
                    ColorChoice::Auto => {
                        stdout.is_terminal() && anstream::AutoStream::choice(&stdout) != ColorChoice::Never
                    }
                };
                (Box::new(stdout), colored)
            }
        };
        Ok(Self { writer: BufWriter::with_capacity(1 << 16, writer), colored })
    }

    /// Writes bytes as they are.
    ///
    /// # Errors
    /// The reader is gone, or the disk is full.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        Ok(self.writer.write_all(bytes)?)
    }

    /// Writes what is still held back, for a reader who is waiting.
    ///
    /// # Errors
    /// The reader is gone, or the disk is full.
    pub(crate) fn flush(&mut self) -> Result<()> {
        Ok(self.writer.flush()?)
    }

    /// Writes what is still held back; to be called before the end.
    ///
    /// # Errors
    /// The reader is gone, or the disk is full.
    pub(crate) fn finish(mut self) -> Result<()> {
        Ok(self.writer.flush()?)
    }
}
