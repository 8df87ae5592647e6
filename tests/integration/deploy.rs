//! What `deploy/` holds: a unit that is hardened, a dashboard and rules that ask for metrics that exist, files that agree with each
//! other and with the program.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use gainsay::telemetry::{Metric, MetricType};
use toml::de::{DeTable, DeValue};

/// Most exposure of the unit, in tenths, as `systemd-analyze security` counts it.
const EXPOSURE_MAX: u32 = 19;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn text(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Runs `systemd-analyze`; says so loudly where there is none.
fn systemd_analyze(args: &[&str], unit: &Path) -> Option<Output> {
    let output = Command::new("systemd-analyze").args(args).arg(unit).output();
    if output.is_err() {
        eprintln!("SKIPPED: there is no systemd-analyze, so the unit was not looked at");
    }
    output.ok()
}

#[test]
fn the_unit_is_hardened() {
    let threshold = format!("--threshold={EXPOSURE_MAX}");
    let Some(output) =
        systemd_analyze(&["security", "--offline=true", &threshold], &root().join("deploy/gainsay.service"))
    else {
        return;
    };
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    if said.contains("unrecognized option") {
        eprintln!("SKIPPED: this systemd-analyze is too old to look at a file");
        return;
    }
    assert!(output.status.success(), "{said}");
}

#[test]
fn the_unit_is_one() {
    let folder = tempfile::tempdir().unwrap();
    let unit = folder.path().join("gainsay.service");
    std::fs::write(&unit, text("deploy/gainsay.service").replace("/usr/bin/gainsay", env!("CARGO_BIN_EXE_gainsay")))
        .unwrap();
    let Some(output) = systemd_analyze(&["verify"], &unit) else { return };
    let said = String::from_utf8_lossy(&output.stderr);
    // The machine's own units may have faults of their own.
    let faults: Vec<&str> = said.lines().filter(|line| line.contains("gainsay")).collect();
    assert!(faults.is_empty(), "{said}");
}

/// Names in `text` that look like our metrics.
fn names(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    words.filter(|word| word.starts_with("gainsay_")).map(str::to_owned).collect()
}

#[track_caller]
fn check_names(path: &str, count_min: usize) {
    let mut known = BTreeSet::new();
    for family in Metric::ALL.iter().map(|metric| metric.family()) {
        if family.metric_type == MetricType::Histogram {
            known.extend(["bucket", "sum", "count"].map(|part| format!("{}_{part}", family.name)));
        } else {
            known.insert(family.sample_name());
        }
    }
    let asked = names(&text(path));
    let unknown: Vec<&String> = asked.difference(&known).collect();
    assert!(unknown.is_empty(), "{path} asks for {unknown:?}, which the daemon does not have");
    assert!(asked.len() >= count_min, "{path} asks for {} metrics only", asked.len());
}

#[test]
fn the_dashboard_asks_for_metrics_that_exist() {
    let dashboard: serde_json::Value = serde_json::from_str(&text("deploy/grafana/gainsay.json")).unwrap();
    assert!(dashboard["panels"].as_array().unwrap().len() > 10);
    check_names("deploy/grafana/gainsay.json", 20);
}

#[test]
fn the_alert_rules_ask_for_metrics_that_exist() {
    check_names("deploy/prometheus/alerts.yaml", 8);
}

/// The config that comes along is one, once it has a feed; it and the unit, the package and the container mean the same places.
#[test]
fn the_files_agree() {
    let alive = |line: &str| match line.strip_prefix('#') {
        Some(example) if !example.is_empty() && !example.starts_with(' ') => format!("{example}\n"),
        _ => format!("{line}\n"),
    };
    let config: String = text("deploy/gainsay.toml").lines().map(alive).collect();
    let surroundings = gainsay::config::Surroundings {
        folder: Path::new("/etc/gainsay"),
        env: &|name| (name == "GAINSAY_DESK_SECRET").then(|| crate::support::SECRET.to_owned()),
        read: &|_| Err(std::io::ErrorKind::NotFound.into()),
    };
    let config = gainsay::config::parse(&config, "deploy/gainsay.toml", &surroundings).unwrap();
    assert!(config.ensure_feeds().is_ok());
    let (unit, container, compose) =
        (text("deploy/gainsay.service"), text("deploy/Containerfile"), text("deploy/compose.yaml"));
    let state = config.database.parent().unwrap().display().to_string();
    assert_eq!(state, "/var/lib/gainsay");
    assert!(unit.contains("\nStateDirectory=gainsay\n") && container.contains(&format!("\nVOLUME {state}\n")));
    assert!(compose.contains(&format!("state:{state}\n")));
    for file in [&unit, &container, &compose] {
        assert!(file.contains("/etc/gainsay/gainsay.toml"));
    }
    let listen = config.http.listen.unwrap();
    assert!(
        container.contains(&format!("[\"/usr/bin/gainsay\", \"probe\", \"{listen}\"]")),
        "the health check asks there"
    );
    assert!(container.contains("\nUSER 65532:65532\n") && compose.contains("read_only: true"));
    assert!(unit.contains("\nType=notify\n") && unit.contains("\nRestartPreventExitStatus=78\n"));
}

/// What the package holds is there, and the unit lies where systemd looks.
#[test]
fn the_package_is_made_of_files_that_exist() {
    let text = text("Cargo.toml");
    let manifest = DeTable::parse(&text).unwrap().into_inner();
    let deb =
        ["package", "metadata", "deb"].iter().fold(&manifest, |table, key| table[*key].get_ref().as_table().unwrap());
    let strings = |value: &DeValue<'_>| -> Vec<String> {
        let list = value.as_array().unwrap();
        list.iter().filter_map(|part| part.get_ref().as_str().map(str::to_owned)).collect()
    };
    let assets: Vec<(String, String)> = deb["assets"]
        .get_ref()
        .as_array()
        .unwrap()
        .iter()
        .map(|asset| {
            let parts = strings(asset.get_ref());
            (parts[0].clone(), parts[1].clone())
        })
        .collect();
    for (source, _) in &assets {
        assert!(source == "target/release/gainsay" || root().join(source).exists(), "{source}");
    }
    let is_installed = |source: &str, target: &str| {
        assets.iter().any(|(from, to)| {
            from == source && (to == target || format!("{to}{}", from.rsplit('/').next().unwrap()) == target)
        })
    };
    assert!(is_installed("target/release/gainsay", "usr/bin/gainsay"));
    assert!(is_installed("deploy/gainsay.service", "usr/lib/systemd/system/gainsay.service"));
    assert!(is_installed("deploy/gainsay.toml", "etc/gainsay/gainsay.toml"));
    assert!(is_installed("LICENSE-MIT", "usr/share/doc/gainsay/LICENSE-MIT"));
    assert_eq!(strings(deb["conf-files"].get_ref()), ["/etc/gainsay/gainsay.toml"]);
}
