//! What the desk owes its users across documents: one alert however many outlets, answers that find their allegation,
//! corrections that reach everyone. Stories, people and places are invented.

use super::*;

const CAMPS_TITLE: &str = "Varland envoy brushes off talk of hidden camps";
const CAMPS_BODY: &str = "PORT LAKE (Andes) - Varland's envoy to the Lake Council on Monday brushed off reports that hidden \
    army camps stood at its northern border, calling them \"mere rumour\".\nIlya Moravin spoke after the Union of Isles \
    alleged that up to 4,000 Oskan soldiers had been housed in camps in Varland.\nOn Sunday the Isles' war office said it \
    had signs that a \"small number\" of Oskan soldiers had reached Varland's Tarn district.\nThe Lake Council said it was \
    not in a position to verify the reports.\nIts next session is on Thursday, when grain prices are on the table.";

/// The claims of the camps story, links included, as the extractor gives them.
fn camps() -> Vec<Said> {
    let mut denial = said(
        Kind::Denial,
        "Ilya Moravin",
        "brushed off",
        "reports that hidden army camps stood at its northern border",
    );
    denial.role = Some("Varland's envoy to the Lake Council");
    denial.affiliation = Some("Varland");
    denial.answers = vec![1, 2];
    let mut union = said(
        Kind::Allegation,
        "the Union of Isles",
        "alleged",
        "up to 4,000 Oskan soldiers had been housed in camps in Varland",
    );
    union.affiliation = Some("Union of Isles");
    union.target = Some("Varland");
    let mut office = said(
        Kind::Allegation,
        "the Isles' war office",
        "had signs",
        "a \"small number\" of Oskan soldiers had reached Varland's Tarn district",
    );
    office.target = Some("Varland");
    let mut council = said(Kind::NoComment, "Lake Council", "not in a position to verify", "the reports");
    council.answers = vec![1, 2];
    vec![denial, union, office, council]
}

/// Another outlet's copy: other translator, headline and lead verb.
const TRANSLATED_BODY: &str = "PORT LAKE (Andes) - Varland's ambassador to the Lake Council rejected as \"idle gossip\" on \
    Monday reports of hidden army camps at its northern border.\nIlya Moravyn was speaking after the Union of Isles said that \
    as many as 4,000 Oskan soldiers had been housed in camps in Varland.\nThe Isles' war office said on Sunday it had signs \
    that a \"small number\" of Oskan soldiers had reached Varland's Tarn district.\nThe Lake Council said it was not in a \
    position to verify the reports.\nIts next session is on Thursday, when grain prices are on the table.";

fn translated_camps() -> Vec<Said> {
    let mut claims = camps();
    claims[0].speaker = "Ilya Moravyn";
    claims[0].cue = "rejected as";
    claims[0].content = "reports of hidden army camps at its northern border";
    claims[1].cue = "said that";
    claims[1].content = "as many as 4,000 Oskan soldiers had been housed in camps in Varland";
    claims
}

/// The alerts that one sink gets from these events.
fn alerts(events: Vec<Event>) -> Vec<Alert> {
    let router = Router::new(vec![Rule::everything()], vec!["desk".into()]);
    router.route(events, &Silencer::default(), None).routed.into_iter().map(|routed| routed.alert).collect()
}

#[test]
fn one_notification_per_thread_and_the_rest_rides_in_it() {
    let mut desk = Desk::new();
    let events = desk.take("1", "Andes", CAMPS_TITLE, CAMPS_BODY, camps());
    assert_eq!(types(&events), ["allegation.new", "allegation.new", "denial.new", "claim.no_comment"]);
    let alerts = alerts(events);
    let [alert] = &alerts[..] else { panic!("{} alerts", alerts.len()) };
    assert_eq!(alert.alert_type, AlertType::DenialNew);
    assert_eq!((alert.answers.len(), alert.also.len()), (2, 3));
    let thread = alert.thread.as_ref().unwrap();
    assert_eq!((thread.state, thread.stances.len(), thread.sequence), (ThreadState::Answered, 2, 1));
}

#[test]
fn another_translation_adds_an_outlet_only() {
    let mut desk = Desk::new();
    desk.take("1", "Andes", CAMPS_TITLE, CAMPS_BODY, camps());
    let title = "Moravyn calls camp reports idle gossip";
    assert_eq!(types(&desk.take("2", "Gulf Daily", title, TRANSLATED_BODY, translated_camps())), [""; 0]);
    assert_eq!((desk.stored.stories.len(), desk.stored.claims.len(), desk.stored.threads.len()), (1, 4, 1));
    assert_eq!(desk.stored.stories[0].outlets, ["Andes", "Gulf Daily"]);
}

#[test]
fn the_fortieth_outlet_is_as_silent_as_the_second() {
    let mut desk = Desk::new();
    desk.take("1", "Andes", CAMPS_TITLE, CAMPS_BODY, camps());
    for outlet in 2..=40 {
        let name = format!("Outlet {outlet}");
        let events = if outlet % 2 == 0 {
            desk.take(&name, &name, CAMPS_TITLE, CAMPS_BODY, camps())
        } else {
            desk.take(&name, &name, "Camps at the border?", TRANSLATED_BODY, translated_camps())
        };
        assert_eq!(types(&events), [""; 0], "{name}");
        if outlet == 20 {
            desk.restart();
        }
    }
    assert_eq!((desk.stored.stories.len(), desk.stored.claims.len()), (1, 4));
    assert_eq!(desk.stored.stories[0].copies, 40);
}

#[test]
fn a_report_of_its_own_on_the_same_words_is_no_new_claim() {
    let mut desk = Desk::new();
    desk.take("1", "Andes", CAMPS_TITLE, CAMPS_BODY, camps());
    let body = "Nobody in the north has slept well since the summer. At the Lake Council the talk was of barracks in the \
                woods: the Union of Isles says up to 4,000 Oskan soldiers are housed in camps in Varland. Ilya Moravin, who \
                speaks for Varland there, waved away the reports that hidden army camps stood at the northern border.";
    let mut claims = camps();
    claims.truncate(2);
    claims[0].cue = "waved away";
    claims[0].content = "the reports that hidden army camps stood at the northern border";
    claims[0].answers = vec![1];
    claims[1].cue = "says";
    claims[1].content = "up to 4,000 Oskan soldiers are housed in camps in Varland";
    assert_eq!(types(&desk.take("2", "Isle Review", "Sleepless in the north", body, claims)), [""; 0]);
    assert_eq!((desk.stored.stories.len(), desk.stored.claims.len()), (2, 4));
}

#[test]
fn a_known_allegation_is_news_again_when_somebody_else_makes_it() {
    let mut desk = Desk::new();
    desk.take("1", "Andes", TITLE, BODY, bank_claims());
    let body = "A former clerk, Dora Vance, told a hearing that Arvo Bank had laundered cartel money through its Panama \
                branch for years, with the board's knowledge. The hearing goes on next month in the old customs house.";
    let mut accusation = said(
        Kind::Allegation,
        "Dora Vance",
        "told",
        "Arvo Bank had laundered cartel money through its Panama branch for years",
    );
    accusation.target = Some("Arvo Bank");
    let events = desk.take("2", "Daily Tide", "Clerk speaks", body, vec![accusation]);
    assert_eq!(types(&events), ["allegation.new"]);
    assert_eq!(desk.stored.threads.len(), 1);
}

#[test]
fn an_allegation_that_comes_after_its_denial_is_linked() {
    let mut desk = Desk::new();
    let body = "Arvo Bank rejected as baseless talk of laundering cartel money through its Panama branch. Its lawyers will \
                file papers next week, the company told investors in a letter.";
    let denial =
        said(Kind::Denial, "Arvo Bank", "rejected", "talk of laundering cartel money through its Panama branch");
    assert_eq!(types(&desk.take("2", "Daily Tide", "Bank speaks first", body, vec![denial])), ["denial.new"]);
    desk.restart();
    let accusation = bank_claims().into_iter().take(1).collect();
    let body = "LIMA (Andes) - Prosecutors on Monday accused Arvo Bank of laundering cartel money through its Panama branch \
                for three years. Shares fell nine percent on the Lima exchange before trading was halted at noon.";
    let events = desk.take("1", "Andes", TITLE, body, accusation);
    assert_eq!(types(&events), ["allegation.new", "thread.linked"]);
    let thread = &claim_event(&events[0]).thread;
    assert_eq!((thread.state, thread.stances.len()), (ThreadState::Answered, 1));
    assert_eq!(alerts(events).len(), 1);
}

#[test]
fn an_old_denial_retold_says_nothing() {
    let mut desk = Desk::new();
    desk.take("1", "Andes", TITLE, BODY, bank_claims());
    let body = "A new bridge will cross the Rimac by spring, the mayor said. It is paid for by Arvo Bank, whose chairman, \
                Tomas Rehn, has long denied that it laundered cartel money. Work starts in May.";
    let denial = said(Kind::Denial, "Tomas Rehn", "has long denied", "it laundered cartel money");
    let mut retold = analysis("2", "Daily Tide", "A bridge by spring", body, desk.now, vec![denial]);
    retold.claims[0].is_background = true;
    assert_eq!(types(&desk.take_analysis(retold)), [""; 0]);
}

#[test]
fn a_denial_after_has_not_denied_is_flagged_too() {
    let mut desk = Desk::new();
    let body = "Tomas Rehn has not denied that the bank laundered cartel money through its Panama branch, and left the hall \
                without taking questions from reporters who had come from the capital.";
    let content = "the bank laundered cartel money through its Panama branch";
    let silence = said(Kind::NoComment, "Tomas Rehn", "has not denied", content);
    let mut silent = analysis("2", "Daily Tide", "Chairman leaves hall", body, desk.now, vec![silence]);
    silent.claims[0].is_negated_denial = true;
    desk.take_analysis(silent);
    let events = desk.take("1", "Andes", TITLE, BODY, bank_claims());
    assert!(types(&events).contains(&"thread.contradiction"), "{:?}", types(&events));
    assert_eq!(alerts(events)[0].alert_type, AlertType::ThreadContradiction);
}

#[test]
fn opposite_polarity_is_never_one_claim() {
    let mut desk = Desk::new();
    let tell = |desk: &mut Desk, id: &str, outlet: &str, body: &str, content: &'static str| {
        let claim = said(Kind::Confirmation, "Orsa Lind", "confirmed", content);
        desk.take(id, outlet, "Minister on the reactor leak", body, vec![claim]);
    };
    let body = "Energy minister Orsa Lind confirmed that the Norrby reactor had leaked water into the sound in June. She was \
                speaking at the opening of a wind farm, where fishermen had gathered with banners and a brass band.";
    tell(&mut desk, "1", "Andes", body, "the Norrby reactor had leaked water into the sound in June");
    let denied = body.replace("had leaked", "had not leaked");
    tell(&mut desk, "2", "Pacific Post", &denied, "the Norrby reactor had not leaked water into the sound in June");
    assert_eq!(desk.stored.claims.len(), 2);
}

#[test]
fn two_people_of_one_surname_stay_two() {
    let mut desk = Desk::new();
    let mut first = bank_claims();
    first[1].speaker = "John Smith";
    desk.take("1", "Andes", TITLE, BODY, first);
    let body = BODY.replace("chairman, Tomas Rehn", "treasurer, James Smith");
    let mut second = bank_claims();
    second[1].speaker = "James Smith";
    second[1].role = Some("treasurer");
    let events = desk.take("2", "Pacific Post", "Treasurer answers", &body, second);
    assert_eq!(types(&events), ["denial.new"]);
    assert_eq!(claim_event(&events[0]).thread.stances.len(), 2);
}

#[test]
fn a_speaker_takes_a_claim_back() {
    let mut desk = Desk::new();
    let first = desk.take("1", "Andes", TITLE, BODY, bank_claims());
    let body = "Prosecutors on Friday withdrew the charge of laundering cartel money against Arvo Bank, saying that a clerk \
                had mixed up two files. The bank's shares rose when trading resumed in the afternoon.";
    let retraction =
        said(Kind::Retraction, "Prosecutors", "withdrew", "the charge of laundering cartel money against Arvo Bank");
    let events = desk.take("2", "Daily Tide", "Charge against bank dropped", body, vec![retraction]);
    assert_eq!(types(&events)[0], "claim.retracted");
    assert_eq!(claim_event(&events[0]).answers[0].claim, claim_event(&first[0]).report.claim.id);
    assert_eq!(alerts(events).len(), 1);
}

#[test]
fn a_changed_stance_is_news_and_the_thread_is_confirmed() {
    let mut desk = Desk::new();
    desk.take("1", "Andes", TITLE, BODY, bank_claims());
    let body = "Tomas Rehn admitted on Sunday that the bank had laundered cartel money through its Panama branch. He will \
                step down as chairman at the end of the month, he told his staff in a short letter.";
    let content = "the bank had laundered cartel money through its Panama branch";
    let mut admission = said(Kind::Confirmation, "Tomas Rehn", "admitted", content);
    admission.affiliation = Some("Arvo Bank");
    let events = desk.take("2", "Daily Tide", "Chairman admits", body, vec![admission]);
    assert_eq!(types(&events)[0], "claim.confirmed");
    let thread = &claim_event(&events[0]).thread;
    assert_eq!((thread.state, thread.stances.len()), (ThreadState::Confirmed, 1));
}

#[test]
fn an_edit_without_a_new_claim_is_silent_and_one_with_is_not() {
    let mut desk = Desk::new();
    desk.take("1", "Andes", TITLE, BODY, bank_claims());
    let edited = format!("{BODY}\nThe exchange will open again on Tuesday.");
    assert_eq!(types(&desk.take("1", "Andes", TITLE, &edited, bank_claims())), [""; 0]);
    let updated = format!("{edited}\nThe regulator, Mila Torv, declined to comment on the accusation.");
    let mut claims = bank_claims();
    let mut silence = said(Kind::NoComment, "Mila Torv", "declined to comment", "the accusation");
    silence.answers = vec![0];
    claims.push(silence);
    assert_eq!(types(&desk.take("1", "Andes", TITLE, &updated, claims)), ["claim.no_comment"]);
}

#[test]
fn a_correction_reaches_those_alerted_by_another_outlets_copy() {
    let mut desk = Desk::new();
    let first = desk.take("1", "Andes", TITLE, BODY, bank_claims());
    desk.take("2", "Pacific Post", TITLE, BODY, bank_claims());
    let body = BODY.replace("three years", "three weeks").replace("a fairy tale told by rivals", "a mistake");
    let mut claims = bank_claims();
    claims[0].speaker = "Police";
    let body = body.replace("Prosecutors", "Police");
    let events = desk.take("3", "Andes", &format!("CORRECTED: {TITLE}"), &body, claims);
    assert_eq!(types(&events), ["claim.revised"]);
    let revised = claim_event(&events[0]);
    assert_eq!(revised.report.claim.id, claim_event(&first[0]).report.claim.id);
    assert_eq!(revised.report.claim.speaker.as_ref().unwrap().name, "Police");
    assert_eq!(types(&desk.take("4", "Daily Tide", TITLE, BODY, bank_claims())), [""; 0]);
}

#[test]
fn a_killed_story_withdraws_the_copy_of_another_outlet_as_well() {
    let mut desk = Desk::new();
    let first = desk.take("1", "Andes", CAMPS_TITLE, CAMPS_BODY, camps());
    desk.take("2", "Gulf Daily", CAMPS_TITLE, TRANSLATED_BODY, translated_camps());
    let kill = format!("KILL: {CAMPS_TITLE}");
    let events = desk.take("3", "Andes", &kill, "Kill the story on camps in Varland. It is wrong.", Vec::new());
    assert_eq!(types(&events), ["claim.withdrawn"; 4]);
    let known: Vec<ClaimId> = first.iter().map(|event| claim_event(event).report.claim.id).collect();
    assert!(events.iter().all(|event| known.contains(&claim_event(event).report.claim.id)));
    assert_eq!(alerts(events).len(), 1);
}

#[test]
fn a_corrected_figure_is_a_revision_once() {
    let mut desk = Desk::new();
    let first = desk.take("1", "Andes", CAMPS_TITLE, CAMPS_BODY, camps());
    let body = CAMPS_BODY.replace("4,000", "400");
    let title = format!("CORRECTED: {CAMPS_TITLE}");
    let corrected = || {
        let mut claims = camps();
        claims[1].content = "up to 400 Oskan soldiers had been housed in camps in Varland";
        claims
    };
    let events = desk.take("1", "Andes", &title, &body, corrected());
    assert_eq!(types(&events), ["claim.revised"]);
    let revised = &claim_event(&events[0]).report.claim;
    assert_eq!((revised.id, revised.revision), (claim_event(&first[0]).report.claim.id, 2));
    assert_eq!(types(&desk.take("2", "Gulf Daily", &title, &body, corrected())), [""; 0]);
    assert_eq!(types(&desk.take("3", "Late Post", CAMPS_TITLE, CAMPS_BODY, camps())), [""; 0]);
    assert_eq!(desk.stored.claims.len(), 4);
}

/// A ferry story whose headline tells both acts before the text does; the headline describes who speaks.
const FERRY_TITLE: &str = "Ferry line hid cracks, inspectors say; operator denies claim";
const FERRY_BODY: &str = "NORRBY (Andes) - State inspectors said on Monday that Corvane Lines had hidden cracks in the hulls of \
    two ferries from them since May.\nCorvane Lines, the operator of both ships, denied the claim and said that every \
    crack had been reported.\nThe ferries stay in port until Friday, when the harbour court sits.";

fn ferry_claims() -> Vec<Said> {
    let mut headline = said(Kind::Allegation, "inspectors", "say", "Ferry line hid cracks");
    headline.target = Some("Ferry line");
    let mut lead = said(
        Kind::Allegation,
        "State inspectors",
        "said on",
        "Corvane Lines had hidden cracks in the hulls of two ferries from them since May",
    );
    lead.target = Some("Corvane Lines");
    let mut denied = said(Kind::Denial, "operator", "denies", "claim");
    denied.answers = vec![0];
    let mut denial = said(Kind::Denial, "Corvane Lines", "denied", "the claim");
    denial.answers = vec![2];
    vec![headline, denied, lead, denial]
}

#[test]
fn what_headline_and_text_both_tell_is_one_claim() {
    let mut desk = Desk::new();
    let events = desk.take("1", "Andes", FERRY_TITLE, FERRY_BODY, ferry_claims());
    assert_eq!(types(&events), ["allegation.new", "denial.new"]);
    let [allegation, denial] = &events[..] else { panic!("{} events", events.len()) };
    let (allegation, denial) = (claim_event(allegation), claim_event(denial));
    assert_eq!(allegation.report.claim.cue.text, "said on", "the text's telling is the fuller one");
    assert_eq!(denial.report.claim.speaker.as_ref().unwrap().name, "Corvane Lines");
    assert_eq!(denial.answers.len(), 1, "both tellings answer one claim");
    assert_eq!((desk.stored.claims.len(), desk.stored.threads.len()), (2, 1));
}

#[test]
fn two_accusations_with_other_figures_stay_two() {
    let mut desk = Desk::new();
    let body = "Mila Torv told the court that Arvo Bank had hidden 40 million euros in the islands. She also said that Arvo \
                Bank had hidden 75 million euros in the valleys, and that its clerks had known of both.";
    let first = said(Kind::Allegation, "Mila Torv", "told", "Arvo Bank had hidden 40 million euros in the islands");
    let second =
        said(Kind::Allegation, "Mila Torv", "also said", "Arvo Bank had hidden 75 million euros in the valleys");
    desk.take("1", "Andes", "Witness speaks of hidden millions", body, vec![first, second]);
    assert_eq!(desk.stored.claims.len(), 2);
}

#[test]
fn a_correction_of_who_accuses_is_a_revision_though_the_headline_stays() {
    let mut desk = Desk::new();
    let title = "Corvane Lines hid cracks, inspectors say";
    let body = FERRY_BODY.replace("State inspectors", "Harbour police inspectors");
    let accused = |speaker: &'static str| {
        let mut claims: Vec<Said> = ferry_claims().into_iter().skip(2).take(1).collect();
        claims[0].speaker = speaker;
        let mut headline = said(Kind::Allegation, "inspectors", "say", "Corvane Lines hid cracks");
        headline.target = Some("Corvane Lines");
        claims.insert(0, headline);
        claims
    };
    let first = desk.take("1", "Andes", title, FERRY_BODY, accused("State inspectors"));
    let corrected = format!("CORRECTED: {title}");
    let events = desk.take("1", "Andes", &corrected, &body, accused("Harbour police inspectors"));
    assert_eq!(types(&events), ["claim.revised"]);
    let revised = &claim_event(&events[0]).report.claim;
    assert_eq!(revised.id, claim_event(&first[0]).report.claim.id);
    assert_eq!(revised.speaker.as_ref().unwrap().name, "Harbour police inspectors");
    assert_eq!(types(&desk.take("2", "Late Post", title, FERRY_BODY, accused("State inspectors"))), [""; 0]);
    assert_eq!((desk.stored.claims.len(), desk.stored.threads.len()), (1, 1));
}

/// A story in four texts: the charge, then with the bank's answer, then killed, then sent again.
fn bank_story(desk: &mut Desk, restarts: bool) -> Vec<Vec<&'static str>> {
    let charge = || bank_claims().into_iter().take(1).collect::<Vec<_>>();
    let charge_body = BODY.split('\n').next().unwrap();
    let (update, kill, refile) = (format!("UPDATE 1-{TITLE}"), format!("KILL-{TITLE}"), format!("REFILE-{TITLE}"));
    let copies: [(&str, &str, &str, &str, Vec<Said>); 6] = [
        ("1", "Andes", TITLE, charge_body, charge()),
        ("1", "Andes", &update, BODY, bank_claims()),
        ("2", "A blog", &kill, "Gone, all of it.", Vec::new()),
        ("1", "Andes", &kill, "Andes kills the story on Arvo Bank. The charge was never filed.", Vec::new()),
        ("3", "Pacific Post", TITLE, BODY, bank_claims()),
        ("1", "Andes", &refile, BODY, bank_claims()),
    ];
    let told = copies.into_iter().map(|(id, outlet, title, body, claims)| {
        let events = desk.take(id, outlet, title, body, claims);
        if restarts {
            desk.restart();
        }
        let mut alerts: Vec<&str> = alerts(events).iter().map(|alert| alert.alert_type.as_str()).collect();
        alerts.sort_unstable();
        alerts
    });
    told.collect()
}

#[test]
fn every_alert_of_a_killed_story_is_withdrawn_and_stands_again_with_its_refile() {
    let mut desk = Desk::new();
    let told = bank_story(&mut desk, false);
    let [charge, update, blog, kill, late, refile] = &told[..] else { panic!("{told:?}") };
    assert_eq!((&charge[..], &update[..]), (&["allegation.new"][..], &["denial.new"][..]));
    assert_eq!(blog, &[""; 0], "nobody kills another's story");
    assert_eq!(kill, &["claim.withdrawn"; 2], "both alerts are taken back");
    assert_eq!(late, &[""; 0], "a late copy of a killed story says nothing");
    assert_eq!(refile, &["claim.revised"; 2]);
    let thread = &desk.stored.threads[0];
    assert_eq!((thread.state, thread.stances.len()), (ThreadState::Answered, 1));
    assert!(desk.stored.claims.iter().all(|claim| !claim.is_withdrawn));
}

#[test]
fn a_desk_that_restarts_after_every_text_tells_the_same() {
    let (mut steady, mut restarting) = (Desk::new(), Desk::new());
    assert_eq!(bank_story(&mut steady, false), bank_story(&mut restarting, true));
    for desk in [&mut steady, &mut restarting] {
        (desk.stored.now, desk.stored.next_sequence) = desk.state.position();
    }
    assert!(steady.stored == restarting.stored);
}

#[test]
fn a_withdrawn_answer_leaves_all_its_threads() {
    let mut desk = Desk::new();
    let charge = "Prosecutors accused Arvo Bank of laundering cartel money through its Panama branch.";
    let dismissals = "The clerks' union said Arvo Bank had dismissed forty clerks who spoke to the press in spring.";
    let laundering = || bank_claims().remove(0);
    let dismissing = || {
        let content = "Arvo Bank had dismissed forty clerks who spoke to the press in spring";
        let mut claim = said(Kind::Allegation, "The clerks' union", "said", content);
        claim.target = Some("Arvo Bank");
        claim
    };
    desk.take("1", "Andes", "Bank charged", charge, vec![laundering()]);
    let others =
        "Rain fell on the ports of the south all week, and the coffee harvest was late in every valley but one.";
    desk.take("2", "Andes", "Clerks speak", &format!("{others}\n{dismissals}\n{others}"), vec![dismissing()]);
    let mut denial = said(Kind::Denial, "Tomas Rehn", "denied", "both accounts");
    denial.answers = vec![0, 1];
    let body =
        format!("{charge}\n{dismissals}\nThe bank's chairman, Tomas Rehn, denied both accounts before the court.");
    let events = desk.take("3", "Daily Tide", "Chairman denies", &body, vec![laundering(), dismissing(), denial]);
    assert_eq!(types(&events), ["denial.new"]);
    let states = |desk: &Desk| desk.stored.threads.iter().map(|thread| thread.state).collect::<Vec<_>>();
    assert_eq!(states(&desk), [ThreadState::Answered; 2]);
    let title = "CORRECTED-Chairman denies";
    let body = body.replace("denied both accounts", "did not speak");
    let events = desk.take("3", "Daily Tide", title, &body, vec![laundering(), dismissing()]);
    assert_eq!(types(&events), ["claim.withdrawn"]);
    assert_eq!(states(&desk), [ThreadState::Alleged; 2]);
}

#[test]
fn what_its_feed_still_carries_is_not_forgotten() {
    let mut desk = Desk::new();
    desk.take("1", "Andes", TITLE, BODY, bank_claims());
    let document = desk.stored.documents[0].id;
    for _ in 0..40 {
        desk.now = desk.now.checked_add(SignedDuration::from_hours(24)).unwrap();
        step(&mut desk.state, Input::SeenAgain(document, None), desk.now);
    }
    let edited = format!("{BODY}\nThe exchange will open again on Tuesday.");
    assert_eq!(types(&desk.take("1", "Andes", TITLE, &edited, bank_claims())), [""; 0]);
}

#[test]
fn after_a_pause_what_the_feeds_carry_is_seen_again_before_anything_is_forgotten() {
    let mut desk = Desk::new();
    desk.take("1", "Andes", TITLE, BODY, bank_claims());
    let (document, content) = (desk.stored.documents[0].id, desk.stored.documents[0].content_hash);
    let is_known = |state: &State| state.knowledge(document, content) == Knowledge::Entry;
    let mut pass = |hours: i64| {
        desk.now = desk.now.checked_add(SignedDuration::from_hours(hours)).unwrap();
        step(&mut desk.state, Input::SeenAgain(document, None), desk.now);
        is_known(&desk.state)
    };
    assert!(pass(24 * 40), "the desk was off for forty days");
    assert!(pass(2));
}

#[test]
fn a_clock_that_was_ahead_is_believed_when_it_is_set_right() {
    let mut desk = Desk::new();
    let right = desk.now;
    desk.now = desk.now.checked_add(SignedDuration::from_hours(24 * 365)).unwrap();
    desk.take("1", "Andes", TITLE, BODY, bank_claims());
    desk.now = right;
    let events = desk.take("2", "Daily Tide", CAMPS_TITLE, CAMPS_BODY, camps());
    assert!(events[0].time.duration_since(right) < SignedDuration::from_hours(1), "{}", events[0].time);
}

/// The bank's story with one more sentence, in which somebody answers in words that nothing of it shares.
fn reworded(kind: Kind, speaker: &'static str, affiliation: Option<&'static str>) -> (String, Vec<Said>) {
    let mut claims = bank_claims();
    let answer = said(kind, speaker, "waved aside", "old gossip that hurts nobody but small savers");
    claims.push(Said { affiliation, answers: vec![0], ..answer });
    (format!("{BODY}\n{speaker} waved aside old gossip that hurts nobody but small savers."), claims)
}

#[test]
fn an_act_told_in_other_words_by_a_copy_of_its_story_is_no_second_alert() {
    let second = |kind, speaker, affiliation| {
        let mut desk = Desk::new();
        desk.take("1", "Andes", TITLE, BODY, bank_claims());
        let (body, claims) = reworded(kind, speaker, affiliation);
        let events = desk.take("2", "Pacific Post", "Lima bank in cartel probe", &body, claims);
        let found = alerts(events).into_iter().map(|alert| alert.alert_type.as_str()).collect::<Vec<_>>();
        (found, desk.stored.claims.len())
    };
    // The bank is another name than its chairman's, of his side.
    assert_eq!(second(Kind::Denial, "Arvo Bank", Some("Arvo Bank")), (vec![], 3));
    assert_eq!(second(Kind::Denial, "Panama's regulator", Some("Panama")), (vec!["denial.new"], 3));
    assert_eq!(second(Kind::Confirmation, "Arvo Bank", Some("Arvo Bank")), (vec!["claim.confirmed"], 3));
}

#[test]
fn what_is_told_again_rides_in_the_next_alert_of_its_story_and_thread() {
    let mut desk = Desk::new();
    desk.take("1", "Andes", TITLE, BODY, bank_claims());
    let (body, claims) = reworded(Kind::Denial, "Arvo Bank", Some("Arvo Bank"));
    let events = desk.take("2", "Pacific Post", "Lima bank in cartel probe", &body, claims);
    let silent = claim_event(&events[0]).report.claim.id;
    let (body, claims) = reworded(Kind::Denial, "Panama's regulator", Some("Panama"));
    let alerts = alerts(desk.take("3", "Daily Tide", "Lima bank probed", &body, claims));
    assert_eq!(alerts.len(), 1);
    assert!(alerts[0].also.contains(&silent), "{:?}", alerts[0].also);
}

#[test]
fn another_storys_telling_is_alerted_as_before() {
    let mut desk = Desk::new();
    desk.take("1", "Andes", TITLE, BODY, bank_claims());
    let body = "Arvo Bank rejected as baseless the accusation of laundering cartel money in Panama. Its lawyers will file \
                papers next week, the company told investors in a letter.";
    let denial = said(Kind::Denial, "Arvo Bank", "rejected", "the accusation of laundering cartel money in Panama");
    let alerts = alerts(desk.take("2", "Daily Tide", "Bank answers at last", body, vec![denial]));
    assert_eq!(alerts.iter().map(|alert| alert.alert_type.as_str()).collect::<Vec<_>>(), ["denial.new"]);
}

#[test]
fn a_version_that_is_older_than_the_known_one_is_no_edit() {
    let mut desk = Desk::new();
    let version = |desk: &Desk, number: u64, title: &str, body: &str, claims: Vec<Said>| {
        let mut analysis = analysis("1", "Andes", title, body, desk.now, claims);
        analysis.document.version.number = Some(number);
        analysis
    };
    let second = version(&desk, 2, TITLE, BODY, bank_claims());
    desk.take_analysis(second);
    let first = version(&desk, 1, CAMPS_TITLE, CAMPS_BODY, camps());
    assert!(desk.state.knows(&first.document));
    assert_eq!(types(&desk.take_analysis(first)), [""; 0]);
    assert_eq!(desk.stored.documents[0].revision, 0);
    desk.restart();
    let third = version(&desk, 3, CAMPS_TITLE, CAMPS_BODY, camps());
    assert!(!desk.state.knows(&third.document));
    desk.take_analysis(third);
    assert_eq!(desk.stored.documents[0].revision, 1);
}

#[test]
fn a_canceled_document_takes_its_alerts_back() {
    let mut desk = Desk::new();
    desk.take("1", "Andes", TITLE, BODY, bank_claims());
    let mut canceled = analysis("1", "Andes", TITLE, BODY, desk.now, bank_claims());
    canceled.document.content_hash = ContentHash::of(&[b"canceled"]);
    canceled.label = RevisionLabel::Kill;
    assert_eq!(types(&desk.take_analysis(canceled)), ["claim.withdrawn"; 2]);
}
