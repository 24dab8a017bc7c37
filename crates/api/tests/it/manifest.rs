//! Reading files.

use std::time::{Duration, Instant};

use api::{ParseError, SIZE_MAX, parse};

use super::{PIPELINE, with};

fn refused(text: &str) -> String {
    parse(text).unwrap_err().to_string()
}

#[test]
fn a_file_of_a_pipeline_and_its_secrets_is_read_whole() {
    let text = format!(
        "---\n{PIPELINE}\n---\n# nothing here\n---\napiVersion: v1\nkind: Secret\nmetadata: {{ name: rabbitmq }}\n\
         type: Opaque\ndata: {{ uri: YW1xcDovL2E=, tls.key: aHVzaA== }}\nstringData: {{ uri: 'amqp://b' }}\n"
    );
    let manifest = parse(&text).unwrap();
    assert_eq!(manifest.pipelines.len(), 1);
    assert_eq!(manifest.pipelines[0].metadata.name.as_deref(), Some("coffee"));
    assert_eq!(manifest.pipelines[0].spec.rules.len(), 3);
    let secret = manifest.secret("rabbitmq").unwrap();
    assert_eq!(secret.data["uri"], b"amqp://b", "stringData wins");
    assert_eq!(secret.data["tls.key"], b"hush");
    assert!(!format!("{secret:?}").contains("104"), "{secret:?}");
    assert_eq!(format!("{secret:?}"), r#"Secret { name: "rabbitmq", keys: ["tls.key", "uri"], .. }"#);
}

#[test]
fn what_was_read_is_written_and_read_again() {
    let pipeline = parse(PIPELINE).unwrap().pipelines.remove(0);
    let text = serde_yaml::to_string(&pipeline).unwrap();
    assert_eq!(parse(&text).unwrap().pipelines, [pipeline]);
}

#[test]
fn json_is_yaml_too() {
    let pipeline = parse(PIPELINE).unwrap().pipelines.remove(0);
    assert_eq!(parse(&serde_json::to_string_pretty(&pipeline).unwrap()).unwrap().pipelines, [pipeline]);
}

#[test]
fn each_mistake_is_a_sentence_with_its_place() {
    let table = [
        // Not YAML.
        (
            with("  ledger:\n", "  ledger: [\n"),
            "could not read document 1, line 11, column 3, `spec`: did not find expected ',' or ']', while parsing a flow sequence at line 9 column 11",
        ),
        (with("name: rabbitmq", "name: \"rabbitmq"), "could not read document 1, line "),
        (
            "a: b: c".to_owned(),
            "could not read document 1, line 1, column 5: mapping values are not allowed in this context",
        ),
        ("just words".to_owned(), "could not read document 1, line 1, column 1: invalid type: string \"just words\""),
        // Fields.
        (
            with("lane: express", "lanes: express"),
            "could not read document 1, line 19, column 9, `spec.events.sources[1].lanes`: unknown field `lanes`, expected one of \
             `exchange`, `routingKeys`, `types`, `lane`; remove or rename it",
        ),
        (
            with("spec:\n", "specs: {}\nspec:\n"),
            "could not read document 1, line 6, column 1, `specs`: unknown field `specs`, expected one of `apiVersion`, `kind`, \
             `metadata`, `spec`; remove or rename it",
        ),
        (
            with("lane: express", "lane: fast"),
            "could not read document 1, line 19, column 15, `spec.events.sources[1].lane`: unknown variant `fast`, expected \
             `main` or `express`; remove or rename it",
        ),
        (
            with("    currency: EUR\n", ""),
            "could not read document 1, line 25, column 5, `spec.program`: missing field `currency`; add it",
        ),
        (
            with("    currency: EUR\n", "    currency: euro\n"),
            "could not read document 1, line 25, column 5, `spec.program.currency`: is not a currency; use an ISO 4217 code such as `EUR`",
        ),
        (
            with("per: { amount: \"1.00\"", "per: { amount: 1.00"),
            "could not read document 1, `spec.rules[0].earn.per.amount`: invalid type: floating point `1.0`, \
             expected a string; put it in quotes",
        ),
        (
            with("maxLateness: 30d", "maxLateness: a month"),
            "could not read document 1, line 12, column 5, `spec.events.maxLateness`: `a month` is not a length of time; write a \
             whole number and one of `s`, `m`, `h`, `d`, such as `30d`",
        ),
        // Heads.
        (with("kind: LoyaltyPipeline", ""), "could not read document 1: `kind` is missing; write "),
        (
            with("kind: LoyaltyPipeline", "kind: LoyaltyPipelines"),
            "could not use document 1: `kind` is `LoyaltyPipelines`; only `LoyaltyPipeline` and `Secret` are read",
        ),
        (
            with("loyalty.dev/v1alpha1", "loyalty.dev/v1"),
            "could not use document 1: `apiVersion` of LoyaltyPipeline is `loyalty.dev/v1`; write `loyalty.dev/v1alpha1`",
        ),
        (with("  name: coffee\n", ""), "could not use document 1: `metadata.name` is missing; give it a name"),
        (
            format!("{PIPELINE}---\n{PIPELINE}"),
            "could not use document 2: there is another LoyaltyPipeline `coffee` before it; remove one or rename it",
        ),
    ];
    let wrong = table.into_iter().filter_map(|(text, sentence)| {
        let refused = refused(&text);
        (!refused.starts_with(sentence)).then(|| format!("\nwanted {sentence}\ngot    {refused}"))
    });
    assert_eq!(wrong.collect::<String>(), "");
}

#[test]
fn a_document_after_the_first_keeps_its_own_lines() {
    let second = with("lane: express", "lanes: express").replace("name: coffee\n", "name: tea\n");
    let lines = PIPELINE.lines().count();
    let refused = refused(&format!("{PIPELINE}---\n{second}"));
    assert!(refused.starts_with(&format!("could not read document 2, line {}, column 9", lines + 1 + 19)), "{refused}");
}

#[test]
fn no_error_tells_a_secrets_value() {
    let secret = |rest: &str| format!("apiVersion: v1\nkind: Secret\nmetadata: {{ name: a }}\n{rest}");
    let table = [
        (
            "stringData: { password: 123454321 }",
            "could not read document 1: `stringData.password` is not text; put it in quotes",
        ),
        (
            "stringData: { password: [hushhush] }",
            "could not read document 1: `stringData.password` is not text; put it in quotes",
        ),
        (
            "data: { password: hushhush! }",
            "could not read document 1: `data.password` is not base64; encode it, or move it to `stringData`",
        ),
        (
            "stringdata: { password: hushhush }",
            "could not read document 1, line 4, column 1, `stringdata`: unknown field `stringdata`, expected one of `apiVersion`, \
             `kind`, `metadata`, `type`, `immutable`, `data`, `stringData`; remove or rename it",
        ),
    ];
    for (rest, sentence) in table {
        let refused = refused(&secret(rest));
        assert_eq!(refused, sentence);
        assert!(!refused.contains("hushhush") && !refused.contains("12345"), "{refused}");
    }
    // A Secret that is one text, and one whose `data` is.
    for rest in ["data: hushhush", "stringData: hushhush", "type: [hushhush]"] {
        assert!(!refused(&secret(rest)).contains("hushhush"), "{}", refused(&secret(rest)));
    }
}

#[test]
fn bombs_end_in_an_error_within_seconds() {
    let mut aliases = "a: &a [x,x,x,x,x,x,x,x,x]\n".to_owned();
    for (name, before) in ('b'..='z').zip('a'..='y') {
        aliases.extend([format!("{name}: &{name} ["), format!("*{before},").repeat(9), "]\n".to_owned()]);
    }
    let aliases = format!(
        "apiVersion: loyalty.dev/v1alpha1\nkind: LoyaltyPipeline\nmetadata: {{ name: a }}\nspec: {{ rules: *z }}\n{aliases}"
    );
    let undefined = refused(&aliases);
    assert!(undefined.contains("unknown anchor"), "{undefined}");
    let moved = aliases.replace("spec: { rules: *z }\n", "") + "spec: { rules: *z }\n";
    let deep = format!("kind: {}{}", "[".repeat(100_000), "]".repeat(100_000));
    let half = format!("kind: {}", "[".repeat(SIZE_MAX - 10));
    let wide = format!("kind: LoyaltyPipeline\nmetadata: {{ name: {}1 }}", "{a: ".repeat(1000));
    let lists = format!("kind: LoyaltyPipeline\nspec:\n{}1", "- ".repeat(500_000));
    let questions = format!("kind: LoyaltyPipeline\nspec:\n{}1", "? ".repeat(500_000));
    let anchors =
        (0..60_000).fold("kind: LoyaltyPipeline\nspec:\n".to_owned(), |text, n| text + &format!("- &a{n} 1\n"));
    let square = format!(
        "kind: LoyaltyPipeline\nmetadata:\n  name: a\n  x: &x [{}1]\n  y: [{}1]\n",
        "1,".repeat(100_000),
        "*x,".repeat(100_000)
    );
    assert_eq!(parse(&square), Err(ParseError::Grows));
    let long =
        format!("kind: Secret\nstringData:\n  x: &x {}\n  y: [{}1]\n", "x".repeat(500_000), "*x,".repeat(100_000));
    assert_eq!(parse(&long), Err(ParseError::Grows));
    for bomb in [moved, deep, half, wide, lists, questions, anchors] {
        let start = Instant::now();
        let refused = refused(&bomb);
        assert!(start.elapsed() < Duration::from_secs(5), "{refused}");
        assert!(refused.len() < 1000, "{refused}");
    }
    assert_eq!(parse(&"#".repeat(SIZE_MAX + 1)), Err(ParseError::TooLarge { len: SIZE_MAX + 1 }));
    assert!(parse(&"#".repeat(SIZE_MAX)).is_ok());
}

#[test]
fn an_empty_file_holds_nothing() {
    for text in ["", "\n", "---\n", "# only words\n"] {
        assert_eq!(parse(text).unwrap(), api::Manifest::default(), "{text:?}");
    }
}
