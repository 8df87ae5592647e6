//! The config as it came out of all layers, as text: what `config show` prints. Secrets are `***`, addresses as people are shown them.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use super::endpoint::format_name;
use super::extract::CUE_KEYS;
use super::layers::Origin;
use super::load::{Loaded, SecretPlace};
use super::units::{show_duration, show_size};
use super::web::SCOPES;
use super::{
    DomainConfig, EndpointTls, FeedAccess, FeedConfig, FeedListConfig, LinesConfig, ListSource, MailConfig, MoreSecret,
    RuleConfig, Scope, SinkConfig, SinkTarget, WebToken, WebhookConfig,
};
use crate::model::{shown_address, shown_endpoint};
use crate::rule::{Collect, Limits};
use crate::template::{Form, TemplateName};

/// Column at which it is said where a value comes from.
const ORIGIN_COLUMN: usize = 48;

/// The whole config in the form of a file; behind each value that is not built in stands where it comes from.
pub fn show(loaded: &Loaded) -> String {
    let config = &loaded.config;
    let mut page = Page { loaded, text: String::new() };
    page.value("", "database", &path(&config.database));
    page.value("", "shutdown_grace", &duration(config.shutdown_grace));
    page.text.push_str("\n[http]\n");
    page.value("http", "listen", &quoted(&config.http.listen.map_or_else(String::new, |address| address.to_string())));
    page.web();
    page.websub();
    page.text.push_str("\n[log]\n");
    page.value("log", "filter", &quoted(&config.log.filter));
    page.value("log", "format", &quoted(config.log.format.as_str()));
    page.intake();
    page.extract();
    page.text.push_str("\n[windows]\n");
    let windows = &config.windows;
    for (key, window) in [
        ("stories", windows.stories),
        ("claims", windows.claims),
        ("threads", windows.threads),
        ("deliveries", windows.deliveries),
    ] {
        page.value("windows", key, &duration(window));
    }
    config.feeds.iter().enumerate().for_each(|(number, feed)| page.feed(number + 1, feed));
    config.feed_lists.iter().enumerate().for_each(|(number, list)| page.feed_list(number + 1, list));
    config.intake.domains.iter().enumerate().for_each(|(number, domain)| page.domain(number + 1, domain));
    config.sinks.iter().enumerate().for_each(|(number, sink)| page.sink(number + 1, sink));
    config.rules.iter().enumerate().for_each(|(number, rule)| page.rule(number + 1, rule));
    page.text
}

struct Page<'a> {
    loaded: &'a Loaded,
    text: String,
}

impl Page<'_> {
    fn value(&mut self, section: &str, key: &str, value: &str) {
        let full = if section.is_empty() { key.to_owned() } else { format!("{section}.{key}") };
        let line = format!("{key} = {value}");
        let origin = self.loaded.origins.get(&full).map(|origin| self.origin(origin));
        match origin {
            Some(origin) => writeln!(self.text, "{line:ORIGIN_COLUMN$} # {origin}"),
            None => writeln!(self.text, "{line}"),
        }
        // A string takes every write.
        .unwrap_or_default();
    }

    fn values(&mut self, section: &str, values: &[(&str, String)]) {
        for (key, value) in values {
            self.value(section, key, value);
        }
    }

    fn origin(&self, origin: &Origin) -> String {
        match origin {
            Origin::File { line } => format!("{}:{line}", self.loaded.path.display()),
            Origin::Environment { variable } => format!("environment variable {variable}"),
            Origin::Flag => "command line".to_owned(),
        }
    }

    fn web(&mut self) {
        self.text.push_str("\n[web]\n");
        let web = &self.loaded.config.web;
        let hosts: Vec<String> = web.hosts.iter().map(|host| quoted(host)).collect();
        self.values("web", &[("api", web.api.to_string()), ("hosts", list(&hosts))]);
        let one = |(number, token): (usize, &WebToken)| {
            let scope = if token.scope == Scope::Read { SCOPES[0] } else { SCOPES[1] };
            let place = match self.loaded.secrets.get(&format!("web.tokens[{}]", number + 1)) {
                Some(SecretPlace::Environment(variable)) => format!("env = {}", quoted(variable)),
                Some(SecretPlace::File(file)) => format!("file = {}", path(file)),
                _ => format!("value = {}", quoted("***")),
            };
            format!("{{ name = {}, scope = {}, {place} }}", quoted(&token.name), quoted(scope))
        };
        let tokens: Vec<String> = web.tokens.iter().enumerate().map(one).collect();
        self.value("web", "tokens", &list(&tokens));
        self.value("web", "public_url", &quoted(web.links.as_ref().map_or("", |links| links.base().as_str())));
        self.secret("web", "link_secret");
        self.value("web", "link_lifetime", &duration(web.link_lifetime));
    }

    fn websub(&mut self) {
        self.text.push_str("\n[websub]\n");
        let websub = &self.loaded.config.websub;
        let values = [
            ("callback_url", quoted(websub.callback_url.as_ref().map_or("", |url| url.as_str()))),
            ("listen", quoted(&websub.listen.map_or_else(String::new, |address| address.to_string()))),
            ("lease", duration(websub.lease)),
            ("backing_interval", duration(websub.backing_interval)),
        ];
        self.values("websub", &values);
    }

    fn feed_list(&mut self, number: usize, feeds: &FeedListConfig) {
        self.text.push_str("\n[[feed_list]]\n");
        let source = match &feeds.source {
            ListSource::Url(url) => ("url", quoted(&shown_address(url))),
            ListSource::Path(file) => ("path", path(file)),
        };
        let outlet = feeds.outlet.as_ref().map(|outlet| ("outlet", quoted(outlet)));
        let values: Vec<(&str, String)> = [("id", quoted(&feeds.id)), source]
            .into_iter()
            .chain([("interval", duration(feeds.interval)), ("feeds_max", feeds.feeds_max.to_string())])
            .chain(outlet)
            .chain([
                ("poll_interval", duration(feeds.poll_interval)),
                ("poll_interval_max", duration(feeds.poll_interval_max)),
                ("backfill", duration(feeds.backfill)),
                ("text", quoted(feeds.text.as_str())),
            ])
            .collect();
        self.values(&format!("feed_list[{number}]"), &values);
    }

    fn intake(&mut self) {
        self.text.push_str("\n[intake]\n");
        let intake = &self.loaded.config.intake;
        let networks: Vec<String> = intake.allow_networks.iter().map(|network| quoted(&network.to_string())).collect();
        let values = [
            ("poll_interval", duration(intake.poll_interval)),
            ("poll_interval_max", duration(intake.poll_interval_max)),
            ("jitter", format!("{:?}", intake.jitter)),
            ("backoff_max", duration(intake.backoff_max)),
            ("fetch_timeout", duration(intake.fetch_timeout)),
            ("connect_timeout", duration(intake.connect_timeout)),
            ("body_bytes_max", quoted(&show_size(intake.body_bytes_max))),
            ("decoded_bytes_max", quoted(&show_size(intake.decoded_bytes_max))),
            ("redirects_max", intake.redirects_max.to_string()),
            ("entries_max", intake.entries_max.to_string()),
            ("fetches_max", intake.fetches_max.to_string()),
            ("fetches_per_host_max", intake.fetches_per_host_max.to_string()),
            ("fetch_gap", duration(intake.fetch_gap)),
            ("user_agent", quoted(&intake.user_agent)),
            ("contact", quoted(intake.contact.as_deref().unwrap_or_default())),
            ("proxy", quoted(&intake.proxy.as_ref().map_or_else(String::new, |proxy| shown_address(&proxy.0)))),
            ("allow_networks", list(&networks)),
            ("backfill", duration(intake.backfill)),
            ("text", quoted(intake.text.as_str())),
            ("pages_max", intake.pages_max.to_string()),
            ("page_wait", duration(intake.page_wait)),
        ];
        self.values("intake", &values);
    }

    fn extract(&mut self) {
        self.text.push_str("\n[extract]\n");
        let words = &self.loaded.config.extract;
        for (key, kind) in CUE_KEYS {
            let wordings = words.cues.iter().filter(|(one, _)| *one == kind);
            self.value("extract", key, &list(&wordings.map(|(_, wording)| quoted(wording)).collect::<Vec<_>>()));
        }
        let metonyms = words.metonyms.iter().map(|(name, body)| quoted(&format!("{name} = {body}")));
        let values = [
            ("never", list(&words.never.iter().map(|wording| quoted(wording)).collect::<Vec<_>>())),
            ("roles", list(&words.roles.iter().map(|role| quoted(role)).collect::<Vec<_>>())),
            ("metonyms", list(&metonyms.collect::<Vec<_>>())),
        ];
        self.values("extract", &values);
    }

    fn domain(&mut self, number: usize, domain: &DomainConfig) {
        self.text.push_str("\n[[domain]]\n");
        let mut values = vec![("name", quoted(&domain.name))];
        values.extend(domain.fetches_max.map(|fetches| ("fetches_max", fetches.to_string())));
        values.extend(domain.fetch_gap.map(|gap| ("fetch_gap", duration(gap))));
        self.values(&format!("domain[{number}]"), &values);
    }

    fn feed(&mut self, number: usize, feed: &FeedConfig) {
        self.text.push_str("\n[[feed]]\n");
        let values = [
            ("id", quoted(&feed.id.to_string())),
            ("url", quoted(&shown_address(&feed.url))),
            ("outlet", quoted(&feed.outlet)),
            ("poll_interval", duration(feed.poll_interval)),
            ("poll_interval_max", duration(feed.poll_interval_max)),
            ("backfill", duration(feed.backfill)),
            ("text", quoted(feed.text.as_str())),
        ];
        let section = format!("feed[{number}]");
        self.values(&section, &values);
        self.access(&section, &feed.access);
        self.value(&section, "cookies", &feed.access.takes_cookies().to_string());
    }

    fn access(&mut self, section: &str, access: &FeedAccess) {
        if let Some(username) = access.username() {
            self.value(section, "username", &quoted(username));
        }
        self.secret(section, "password");
        self.secret(section, "token");
        let prefix = format!("{section}.headers.");
        let found = self.loaded.secrets.iter().filter_map(|(path, place)| Some((path.strip_prefix(&prefix)?, place)));
        let headers: Vec<String> = found
            .map(|(name, place)| match place {
                SecretPlace::Environment(variable) => format!("{} = {{ env = {} }}", quoted(name), quoted(variable)),
                SecretPlace::File(file) => format!("{} = {{ file = {} }}", quoted(name), path(file)),
                SecretPlace::Inline => format!("{} = {}", quoted(name), quoted("***")),
            })
            .collect();
        if !headers.is_empty() {
            self.value(section, "headers", &format!("{{ {} }}", headers.join(", ")));
        }
    }

    /// Where the secret is kept that `key` begins the name of, if there is one.
    fn secret(&mut self, section: &str, key: &str) {
        match self.loaded.secrets.get(&format!("{section}.{key}")) {
            Some(SecretPlace::Environment(variable)) => self.value(section, &format!("{key}_env"), &quoted(variable)),
            Some(SecretPlace::File(file)) => self.value(section, &format!("{key}_file"), &path(file)),
            Some(SecretPlace::Inline) => self.value(section, key, &quoted("***")),
            None => {}
        }
    }

    fn sink(&mut self, number: usize, sink: &SinkConfig) {
        self.text.push_str("\n[[sink]]\n");
        let section = format!("sink[{number}]");
        self.value(&section, "name", &quoted(&sink.name));
        match &sink.target {
            SinkTarget::JsonLines(lines) => self.lines(&section, lines, &sink.limits),
            SinkTarget::Webhook(webhook) => self.webhook(&section, webhook, &sink.limits),
            SinkTarget::Mail(mail) => self.mail(&section, mail, &sink.limits),
        }
    }

    fn lines(&mut self, section: &str, lines: &LinesConfig, limits: &Limits) {
        self.value(section, "type", "\"jsonl\"");
        if let Some(file) = &lines.path {
            self.value(section, "path", &path(file));
            self.value(section, "fsync", &quoted(&lines.fsync.to_string()));
        }
        let rotation = &lines.rotation;
        if rotation.is_on() {
            let bytes = rotation.bytes.map(|bytes| ("rotate_bytes", quoted(&show_size(bytes))));
            let every = rotation.every.map(|every| ("rotate_every", duration(every)));
            let keep = rotation.keep.map(|keep| ("keep_files", keep.to_string()));
            let set: Vec<_> = [bytes, every, keep].into_iter().flatten().collect();
            self.values(section, &set);
            self.value(section, "compress", &rotation.compress.to_string());
        }
        self.limits(section, limits);
    }

    fn mail(&mut self, section: &str, mail: &MailConfig, limits: &Limits) {
        self.value(section, "type", "\"email\"");
        self.value(section, "server", &quoted(&mail.server));
        self.value(section, "port", &mail.port.to_string());
        self.value(section, "tls", &quoted(mail.tls.as_str()));
        self.value(section, "unencrypted", &mail.unencrypted.to_string());
        if let Some(login) = &mail.login {
            self.value(section, "username", &quoted(&login.username));
        }
        self.secret(section, "password");
        self.value(section, "from", &quoted(&mail.form.from.to_string()));
        let to: Vec<String> = mail.form.to.iter().map(|mailbox| quoted(&mailbox.to_string())).collect();
        self.value(section, "to", &list(&to));
        if let Some(file) = &mail.authorities {
            self.value(section, "ca_file", &path(&file.path));
        }
        self.limits(section, limits);
        self.value(section, "timeout", &duration(mail.timeout));
        let waits: Vec<String> = mail.retry_schedule.iter().copied().map(duration).collect();
        self.value(section, "retry_schedule", &list(&waits));
    }

    fn webhook(&mut self, section: &str, webhook: &WebhookConfig, limits: &Limits) {
        self.value(section, "type", "\"webhook\"");
        // Chat services put the token into the path.
        let rest = if webhook.url.path() == "/" && webhook.url.query().is_none() { "/" } else { "/…" };
        match self.loaded.secrets.get(&format!("{section}.url")) {
            Some(SecretPlace::Environment(variable)) => self.value(section, "url_env", &quoted(variable)),
            Some(SecretPlace::File(file)) => self.value(section, "url_file", &path(file)),
            _ => self.value(section, "url", &quoted(&format!("{}{rest}", shown_endpoint(&webhook.url)))),
        }
        self.form(section, webhook.form.as_ref());
        self.secret(section, "secret");
        self.more_secrets(section, &webhook.more_secrets);
        self.access(section, &webhook.access);
        self.tls(section, &webhook.tls);
        self.value(section, "plain_http", &webhook.network.plain_http.to_string());
        let networks: Vec<String> = webhook.network.allow.iter().map(|network| quoted(&network.to_string())).collect();
        self.value(section, "allow_networks", &list(&networks));
        self.limits(section, limits);
        self.value(section, "timeout", &duration(webhook.timeout));
        self.value(section, "connect_timeout", &duration(webhook.connect_timeout));
        self.value(section, "concurrency_max", &webhook.concurrency_max.to_string());
        let waits: Vec<String> = webhook.retry_schedule.iter().copied().map(duration).collect();
        self.value(section, "retry_schedule", &list(&waits));
        let traffic = &webhook.traffic;
        let rate_max = traffic.rate_max.map_or_else(String::new, |rate| rate.to_string());
        self.value(section, "rate_max", &quoted(&rate_max));
        self.value(section, "breaker_failures", &traffic.breaker_failures.to_string());
        self.value(section, "disable_after", &duration(traffic.disable_after));
    }

    fn more_secrets(&mut self, section: &str, keys: &[MoreSecret]) {
        let one = |(number, key): (usize, &MoreSecret)| {
            let place = match self.loaded.secrets.get(&format!("{section}.more_secrets[{}]", number + 1)) {
                Some(SecretPlace::Environment(variable)) => format!("env = {}", quoted(variable)),
                Some(SecretPlace::File(file)) => format!("file = {}", path(file)),
                _ => format!("value = {}", quoted("***")),
            };
            let until = key.until.map(|until| format!(", until = {}", quoted(&until.to_string())));
            format!("{{ {place}{} }}", until.unwrap_or_default())
        };
        let shown: Vec<String> = keys.iter().enumerate().map(one).collect();
        if !shown.is_empty() {
            self.value(section, "more_secrets", &list(&shown));
        }
    }

    fn tls(&mut self, section: &str, tls: &EndpointTls) {
        let (certificate, key) = tls.identity.as_ref().map(|(certificate, key)| (certificate, key)).unzip();
        for (name, file) in
            [("ca_file", tls.authorities.as_ref()), ("client_certificate_file", certificate), ("client_key_file", key)]
        {
            if let Some(file) = file {
                self.value(section, name, &path(&file.path));
            }
        }
    }

    fn limits(&mut self, section: &str, limits: &Limits) {
        let spans: Vec<String> = limits.quiet.spans().iter().map(|span| quoted(&span.to_string())).collect();
        let group_wait = Duration::try_from(limits.group_wait).unwrap_or_default();
        self.value(section, "alerts_per_day", &limits.alerts_per_day.to_string());
        self.value(section, "alerts_per_hour", &limits.alerts_per_hour.to_string());
        self.value(section, "group_wait", &duration(group_wait));
        self.value(section, "quiet_hours", &list(&spans));
        self.value(section, "quiet_zone", &quoted(limits.quiet.zone_name()));
        self.value(section, "quiet_priority", &limits.quiet_priority.to_string());
        let collect = match &limits.collect {
            None => String::new(),
            Some(Collect::Every(wait)) => show_duration(Duration::try_from(*wait).unwrap_or_default()),
            Some(Collect::At(times, _)) => times.to_string(),
        };
        self.value(section, "digest", &quoted(&collect));
    }

    fn form(&mut self, section: &str, form: Option<&Form>) {
        let template = match form {
            Some(Form::Template(template)) => Some(template),
            other => {
                self.value(section, "format", &quoted(format_name(other)));
                None
            }
        };
        match template.map(|template| (template.name(), template.content_type())) {
            Some((TemplateName::Preset(preset), _)) => self.value(section, "template", &quoted(preset.as_str())),
            Some((TemplateName::File(file), content_type)) => {
                self.value(section, "template_file", &path(file));
                self.value(section, "content_type", &quoted(content_type));
            }
            None => {}
        }
    }

    fn rule(&mut self, number: usize, rule: &RuleConfig) {
        self.text.push_str("\n[[rule]]\n");
        let types: Vec<String> = rule.types.iter().map(|alert_type| quoted(alert_type.as_str())).collect();
        let sinks: Vec<String> = rule.sinks.iter().map(|sink| quoted(sink)).collect();
        let names = |names: &[String]| list(&names.iter().map(|name| quoted(name)).collect::<Vec<_>>());
        let kinds: Vec<String> = rule.kinds.iter().map(|kind| quoted(kind.as_str())).collect();
        let values = [
            ("name", quoted(&rule.name)),
            ("types", list(&types)),
            ("kinds", list(&kinds)),
            ("confidence_min", format!("{:?}", rule.confidence_min.probability())),
            ("priority_min", rule.priority_min.to_string()),
            ("sinks", list(&sinks)),
            ("watch", names(&rule.watch)),
            ("speakers", names(&rule.speakers)),
            ("outlets", names(&rule.outlets)),
            ("languages", names(&rule.languages)),
            ("topics", names(&rule.topics)),
        ];
        let section = format!("rule[{number}]");
        self.values(&section, &values);
        if let Some(filter) = &rule.when {
            self.value(&section, "when", &quoted(filter.text()));
        }
        self.value(&section, "priority", &rule.priority.to_string());
    }
}

fn duration(duration: std::time::Duration) -> String {
    quoted(&show_duration(duration))
}

fn path(path: &Path) -> String {
    quoted(&path.to_string_lossy())
}

fn list(elements: &[String]) -> String {
    format!("[{}]", elements.join(", "))
}

/// A TOML string in which nothing can act on a terminal.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            // What Rust would not print as it is: controls, marks of direction, separators.
            other if other.escape_debug().len() > 1 && other != '\'' => {
                write!(quoted, "\\U{:08x}", u32::from(other)).unwrap_or_default();
            }
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}
