//! The schema beside the reader: what one takes, the other takes.

use super::*;

/// A TOML text as JSON.
fn json(text: &str) -> serde_json::Value {
    fn value(toml: &toml::de::DeValue<'_>) -> serde_json::Value {
        use toml::de::DeValue;
        match toml {
            DeValue::String(text) => text.as_ref().into(),
            DeValue::Integer(number) => number.as_str().parse::<i64>().unwrap().into(),
            DeValue::Float(number) => number.as_str().parse::<f64>().unwrap().into(),
            DeValue::Boolean(truth) => (*truth).into(),
            DeValue::Datetime(date) => date.to_string().into(),
            DeValue::Array(list) => list.iter().map(|element| value(element.get_ref())).collect(),
            DeValue::Table(inner) => table(inner),
        }
    }
    fn table(table: &toml::de::DeTable<'_>) -> serde_json::Value {
        let pairs = table.iter().map(|(key, inner)| (key.get_ref().to_string(), value(inner.get_ref())));
        serde_json::Value::Object(pairs.collect())
    }
    table(&toml::de::DeTable::parse(text).unwrap().into_inner())
}

/// Whether a config is sound, of which schema and reader must think the same.
#[track_caller]
fn agree(validator: &jsonschema::Validator, text: &str) -> bool {
    let errors: Vec<String> = validator.iter_errors(&json(text)).map(|error| error.to_string()).collect();
    let read = read(text);
    assert_eq!(errors.is_empty(), read.is_ok(), "{errors:?} {read:?}\n{text}");
    read.is_ok()
}

/// The schema takes what the reader takes, one changed line of a sound config at a time.
#[test]
fn schema_and_reader_agree() {
    let schema = schema();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let sound = sound();
    assert!(agree(&validator, &sound) && agree(&validator, ""));
    let values = ["true", "7", "-1", "0.25", "\"\"", "\"5x\"", "[true]", "{}", "\"nonsense\""];
    let mut refused = 0;
    for line in sound.lines().filter(|line| line.contains(" = ") && !line.starts_with('#')) {
        let (key, _) = line.split_once(" = ").unwrap();
        refused += usize::from(!agree(&validator, &sound.replacen(line, &format!("zz = 1\n{line}"), 1)));
        for value in values {
            // Of words only the reader knows which are a network, a variable, an expression, a time zone, a sink or a name that is not taken.
            let is_word = value.starts_with('"') && value.len() > 2;
            if is_word
                && [
                    "secret_env",
                    "password_env",
                    "allow_networks",
                    "id",
                    "name",
                    "url",
                    "filter",
                    "when",
                    "quiet_zone",
                    "link_secret_env",
                ]
                .contains(&key)
            {
                continue;
            }
            refused += usize::from(!agree(&validator, &sound.replacen(line, &format!("{key} = {value}"), 1)));
        }
    }
    assert!(refused > 150, "{refused}");
    for required in ["id = ", "url = ", "outlet = ", "secret_env = ", "type = "] {
        let without: Vec<&str> = sound.lines().filter(|line| !line.starts_with(required)).collect();
        assert!(!agree(&validator, &without.join("\n")));
    }
}

#[test]
fn the_schema_says_what_the_default_file_says() {
    let schema = schema();
    let interval = &schema["properties"]["intake"]["properties"]["poll_interval"];
    assert_eq!(interval["default"], "2m");
    assert!(interval["description"].as_str().unwrap().starts_with("Time between two polls of a feed"));
    let sinks = &schema["properties"]["sink"]["items"]["oneOf"];
    assert!(
        sinks[1]["properties"]["timeout"]["description"].as_str().unwrap().starts_with("Whole time for one attempt")
    );
    let mut without_words = Vec::new();
    for section in [
        &schema["properties"]["intake"],
        &schema["properties"]["windows"],
        &schema["properties"]["feed"]["items"],
        &schema["properties"]["domain"]["items"],
        &schema["properties"]["rule"]["items"],
        &sinks[0],
        &sinks[1],
    ] {
        for (key, value) in section["properties"].as_object().unwrap() {
            if value["description"].as_str().is_none() {
                without_words.push(key.clone());
            }
        }
    }
    assert!(without_words.is_empty(), "{without_words:?}");
}

#[test]
fn the_schema_knows_what_goes_together_too() {
    let schema = schema();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let lines = [
        ("", true),
        ("username = \"desk\"", false),
        ("password_env = \"AGENCY_PASSWORD\"", false),
        ("username = \"desk\"\npassword_env = \"AGENCY_PASSWORD\"", true),
        ("username = \"desk\"\npassword_env = \"AGENCY_PASSWORD\"\npassword = \"x\"", false),
        ("username = \"desk\"\ntoken = \"x\"", false),
        ("token_file = \"agency.token\"", true),
        ("token_file = \"agency.token\"\ntoken = \"x\"", false),
        ("token = \"x\"\npassword = \"x\"\nusername = \"x\"", false),
        ("headers = {}", true),
        ("headers = { X-A = \"x\", X-B = { env = \"AGENCY_KEY\" }, X-C = { file = \"agency.token\" } }", true),
        ("headers = { X-A = { env = \"AGENCY_KEY\", file = \"agency.token\" } }", false),
        ("headers = { X-A = {} }", false),
        ("headers = { X-A = 7 }", false),
        ("headers = { X-A = \"\" }", false),
        ("headers = { \"\" = \"x\" }", false),
        ("headers = { \"X A\" = \"x\" }", false),
        ("headers = { hOsT = \"x\" }", false),
        ("headers = { Hosts = \"x\" }", true),
        ("headers = { If-None-Match = \"x\" }", false),
    ];
    for (lines, expected) in lines {
        assert_eq!(agree(&validator, &feed_with(lines)), expected, "{lines}");
    }
}

/// What a sink of lines and one of mail may say.
#[test]
fn the_schema_knows_what_sinks_need() {
    let schema = schema();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let lines = "type = \"jsonl\"\n";
    let mail = "type = \"email\"\nserver = \"smtp.example\"\nfrom = \"a@b.example\"\nto = [\"c@d.example\"]\n";
    let webhook = "type = \"webhook\"\nurl = \"https://a.example\"\nsecret_env = \"DESK_SECRET\"\n";
    for (sink, more, expected) in [
        (lines, "", true),
        (lines, "rotate_bytes = \"1MiB\"", false),
        (lines, "fsync = \"never\"", false),
        (lines, "path = \"a\"\nfsync = \"interval 1s\"", true),
        (lines, "path = \"a\"\nkeep_files = 3", false),
        (lines, "path = \"a\"\ncompress = true", false),
        (lines, "path = \"a\"\ncompress = true\nkeep_files = 3\nrotate_every = \"1d\"", true),
        (lines, "path = \"a\"\nrotate_bytes = \"64MiB\"", true),
        (mail, "", true),
        (mail, "username = \"a\"", false),
        (mail, "password = \"a\"", false),
        (mail, "username = \"a\"\npassword = \"a\"", true),
        (mail, "username = \"a\"\ntoken = \"a\"", false),
        (mail, "tls = \"ssl\"", false),
        (mail, "port = 0", false),
        ("type = \"email\"\nserver = \"smtp.example\"\nfrom = \"a@b.example\"\n", "to = []", false),
        ("type = \"email\"\nserver = \"smtp.example\"\nfrom = \"a@b.example\"\n", "", false),
        (webhook, "format = \"cloudevents\"", true),
        (webhook, "format = \"cloudevent\"", false),
        (webhook, "format = \"cloudevents\"\ntemplate = \"slack\"", false),
    ] {
        let text = format!("[[sink]]\nname = \"a\"\n{sink}{more}\n");
        assert_eq!(agree(&validator, &text), expected, "{text}");
    }
    // Whether that machine is this one only the reader knows.
    for (lines, expected) in [("tls = \"none\"", false), ("tls = \"none\"\nunencrypted = true", true)] {
        assert_eq!(read(&format!("[[sink]]\nname = \"a\"\n{mail}{lines}\n")).is_ok(), expected, "{lines}");
    }
}
