//! Stages, scopes and effects: what a transform may ask about a file.

use crate::context::Context;
use crate::settings::Settings;
use crate::syntax::File;

/// A file with what is known about it.
pub struct Model<'a> {
    /// The file.
    pub file: &'a File<'a>,
    /// The build context, where there is one to read.
    pub context: Option<&'a dyn Context>,
    /// The choices of the person.
    pub settings: &'a Settings,
}

impl<'a> Model<'a> {
    /// Builds the model of `file`.
    pub fn new(file: &'a File<'a>, context: Option<&'a dyn Context>, settings: &'a Settings) -> Self {
        Self { file, context, settings }
    }
}
