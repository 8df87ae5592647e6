//! What is made of alerts for a sink that wants another form than gainsay's own JSON.

use std::sync::Arc;

use super::cloud_event::{self, Mode};
use super::mail::{self, MailForm};
use super::{Sent, Template, TemplateError};
use crate::model::{Alert, Rendering};

/// A form of alerts.
#[derive(Debug, Clone, PartialEq)]
pub enum Form {
    /// What a template makes.
    Template(Arc<Template>),
    /// An event of CloudEvents 1.0.
    CloudEvent(Mode),
    /// A mail.
    Mail(Arc<MailForm>),
}

impl Form {
    /// The alert in this form, with links where its sink is sent any. The same alert gives the same bytes.
    ///
    /// # Errors
    /// When a template fails.
    pub fn render(&self, alert: &Alert, sent: Sent<'_>) -> Result<Rendering, TemplateError> {
        let untold =
            |error: std::io::Error| TemplateError { line: None, what: format!("the alert is no JSON: {error}") };
        match self {
            Self::Template(template) => template.render(alert, sent),
            Self::Mail(form) => mail::render(alert, form, sent).map_err(|what| TemplateError { line: None, what }),
            Self::CloudEvent(mode) => cloud_event::render(alert, *mode).map_err(untold),
        }
    }
}
