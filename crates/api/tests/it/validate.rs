//! What is refused although it can be read.

use api::{parse, validate};

use super::{PIPELINE, with};

fn problems(text: &str) -> Vec<String> {
    let pipeline = parse(text).unwrap().pipelines.remove(0);
    validate(&pipeline).err().unwrap_or_default().iter().map(ToString::to_string).collect()
}

#[test]
fn a_good_pipeline_has_no_problem() {
    assert_eq!(problems(PIPELINE), Vec::<String>::new());
    let embedded = with("postgres: { secretRef: { name: ledger-db } }", "sqlite: {}");
    assert_eq!(problems(&embedded), Vec::<String>::new());
    let foreign = PIPELINE.replace("{ name: shop, type: Topic }", "{ name: amq.topic, declare: false }");
    assert_eq!(problems(&foreign), Vec::<String>::new());
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table")]
fn each_mistake_names_its_field_and_what_to_do() {
    let table = [
        (
            with("name: coffee\n", "name: Coffee\n"),
            "`metadata.name` is not a name; use lower-case letters, digits and `-`, begin and end with a letter or digit",
        ),
        (
            with("secretRef: { name: rabbitmq }", "secretRef: { name: Rabbit_MQ }"),
            "`spec.broker.secretRef.name` is not the name of a Secret; use lower-case letters, digits, `-` and `.`, at most 253",
        ),
        (
            with("postgres: { secretRef: { name: ledger-db } }", "{}"),
            "`spec.ledger` must name exactly one of `sqlite` and `postgres`; for the embedded one write `sqlite: {}`",
        ),
        (
            with("    postgres: {", "    sqlite: {}\n    postgres: {"),
            "`spec.ledger` must name exactly one of `sqlite` and `postgres`; for the embedded one write `sqlite: {}`",
        ),
        (
            with("name: ledger-db", "name: ledger-db, key: ''"),
            "`spec.ledger.postgres.secretRef.key` is empty; leave it out for `url`",
        ),
        (
            with("name: ledger-db", "name: ''"),
            "`spec.ledger.postgres.secretRef.name` is not the name of a Secret; use lower-case letters, digits, `-` and `.`, at most 253",
        ),
        (with("types: [purchase, refund]", "types: []"), "`spec.events.sources[0].types` has 0 items; give 1 to 64"),
        (
            with("routingKeys: [\"redeem.#\"]", "routingKeys: []"),
            "`spec.events.sources[1].routingKeys` has 0 items; give 1 to 64",
        ),
        (
            with("\"redeem.#\"", &format!("\"{}\"", "x".repeat(256))),
            "`spec.events.sources[1].routingKeys[0]` is 256 bytes long; at most 255 are allowed",
        ),
        (
            with("\"redeem.#\"", "\"refund.#\""),
            "`spec.events.sources[1].routingKeys[0]` `refund.#` leads to another lane above; each message would come twice, \
             name it once",
        ),
        (
            with(
                "{ name: shop, type: Topic }\n        routingKeys: [\"redeem.#\"]",
                "{ name: shop, type: Direct }\n        routingKeys: [\"redeem.#\"]",
            ),
            "`spec.events.sources[1].exchange.type` differs for exchange `shop` (Direct here and Topic above); an exchange has one type",
        ),
        (
            with(
                "{ name: shop, type: Topic }\n        routingKeys: [\"redeem.#\"]",
                "{ name: shop, declare: false }\n        routingKeys: [\"redeem.#\"]",
            ),
            "`spec.events.sources[1].exchange.declare` differs for exchange `shop` from a source above; say the same",
        ),
        (
            with(
                "{ name: shop, type: Topic }\n        routingKeys: [\"redeem.#\"]",
                "{ name: till, type: Fanout }\n        routingKeys: [\"redeem.#\"]",
            ),
            "`spec.events.sources[1].routingKeys` has no effect on a `Fanout` exchange, which routes everything; write `[\"\"]`",
        ),
        (
            with(
                "{ name: shop, type: Topic }\n        routingKeys: [\"redeem.#\"]",
                "{ name: '' }\n        routingKeys: [\"redeem.#\"]",
            ),
            "`spec.events.sources[1].exchange.name` is empty; name the exchange",
        ),
        (
            with(
                "{ name: shop, type: Topic }\n        routingKeys: [\"redeem.#\"]",
                "{ name: amq.topic }\n        routingKeys: [\"redeem.#\"]",
            ),
            "`spec.events.sources[1].exchange.name` begins with `amq.`, which only the broker may declare; add `declare: false` or \
             choose another",
        ),
        (
            with(
                "{ name: shop, type: Topic }\n        routingKeys: [\"redeem.#\"]",
                "{ name: coffee.dead }\n        routingKeys: [\"redeem.#\"]",
            ),
            "`spec.events.sources[1].exchange.name` is an exchange of the pipeline's own; choose another",
        ),
        (
            with(
                "{ name: shop, type: Topic }\n        routingKeys: [\"redeem.#\"]",
                "{ name: coffee.results }\n        routingKeys: [\"redeem.#\"]",
            ),
            "`spec.events.sources[1].exchange.name` is the exchange of results; events and results need one each",
        ),
        (
            with("  results:\n", "  results:\n    exchange: { name: coffee.unrouted }\n"),
            "`spec.results.exchange.name` is an exchange of the pipeline's own; choose another",
        ),
        (with("maxLength: 1000", "maxLength: 0"), "`spec.queue.deadLetter.maxLength` is 0; give 1 to 100000000"),
        (
            with("name: stars,", "name: points,"),
            "`spec.program.wallets[1].name` is `points` a second time; rename one of the two",
        ),
        (with("name: double", "name: base"), "`spec.rules[1].name` is `base` a second time; rename one of the two"),
        (
            with("on: barista.tip", "on: barista.tipp"),
            "`spec.rules[2].on` is `barista.tipp`, which no source may say; add it to a source's `types`",
        ),
        (
            with(
                "name: stars,",
                "name: stars, expiry: { inactivity: { after: 1y, activities: [purchase, barista.tip, barista.tipp] } },",
            ),
            "`spec.program.wallets[1].expiry.inactivity.activities[2]` is `barista.tipp`, which no source may say; add it to a \
             source's `types`",
        ),
        (
            with("name: stars,", "name: stars, pending: { until: barista.tipp },"),
            "`spec.program.wallets[1].pending.until` is `barista.tipp`, which no source may say; add it to a source's `types`",
        ),
        (with("      multiply: { by: \"2\" }\n", ""), "`spec.rules[1]` must have exactly one of `earn` and `multiply`"),
        (
            with("multiply: { by: \"2\" }", "multiply: { by: \"2\" }\n      earn: { wallet: points, fixed: \"1\" }"),
            "`spec.rules[1]` must have exactly one of `earn` and `multiply`",
        ),
        (
            with("earn: { wallet: stars, fixed: \"5\" }", "earn: { wallet: stars }"),
            "`spec.rules[2].earn` must have exactly one of `per`, `perStep`, `perQuantity`, `bands`, `fixed`, `every` and `reaching`",
        ),
        (
            with("fixed: \"5\" }", "fixed: \"5\", rounding: { mode: Ceiling } }"),
            "`spec.rules[2].earn.rounding` has no effect on `fixed`; leave it out",
        ),
        (
            with("fixed: \"5\" }", "fixed: \"5\", base: { tax: Excluded } }"),
            "`spec.rules[2].earn.base` has no effect on `fixed`; leave it out",
        ),
        (
            with("fixed: \"5\" }", "fixed: \"5\", max: \"9\" }"),
            "`spec.rules[2].earn.max` has no effect on `fixed`; leave it out",
        ),
        (
            with("fixed: \"5\" }", &format!("bands: [{}] }}", "{ from: \"1\", fixed: \"1\" },".repeat(17))),
            "`spec.rules[2].earn.bands` has 17 items; give 0 to 16",
        ),
        (
            with("    wallets:\n", "    groups: [{ name: a, pick: Best }, { name: a, pick: All }]\n    wallets:\n"),
            "`spec.program.groups[1].name` is `a` a second time; rename one of the two",
        ),
        (
            with("    wallets:\n", "    activities: [{ name: barista.tipp, fields: { cups: Int } }]\n    wallets:\n"),
            "`spec.program.activities[0].name` is `barista.tipp`, which no source may say; add it to a source's `types`",
        ),
        (
            with("event.channel in ['store', 'web']", "''"),
            "`spec.rules[0].when` must have 1 to 4096 bytes; leave it out for no condition",
        ),
        (
            with("skus: [latte]", &format!("skus: [{}]", "a,".repeat(1001))),
            "`spec.rules[0].include.skus` has 1001 items; give 0 to 1000",
        ),
        (
            with(
                "- { name: crm, routingKeys: [\"tier.#\"] }",
                "- { name: crm, routingKeys: [a] }\n      - { name: crm, routingKeys: [b] }",
            ),
            "`spec.results.subscribers[1].name` is `crm` a second time; rename one of the two",
        ),
        (
            with("routingKeys: [\"tier.#\"]", "routingKeys: []"),
            "`spec.results.subscribers[0].routingKeys` has 0 items; give 1 to 64",
        ),
    ];
    for (text, problem) in table {
        assert_eq!(problems(&text), [problem]);
    }
}

#[test]
fn all_problems_are_found_at_once() {
    let text = with("name: double", "name: base")
        .replace("currency: EUR\n    wallets:", "currency: EUR\n    wallets: []\n  x:");
    let text = text.replace("  x:\n      - { name: points, scale: 0 }\n      - { name: stars, scale: 1 }\n", "");
    assert_eq!(
        problems(&text),
        [
            "`spec.program.wallets` has 0 items; give 1 to 16",
            "`spec.rules[1].name` is `base` a second time; rename one of the two"
        ]
    );
}

#[test]
fn the_longest_names_make_objects_that_fit_into_amqp() {
    let name = contract::PipelineName::parse(&"p".repeat(63)).unwrap();
    let subscriber = contract::SubscriberName::parse(&"s".repeat(63)).unwrap();
    assert!(contract::pipeline::Names(&name).subscriber(&subscriber).len() <= 255);
}
