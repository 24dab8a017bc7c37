//! CloudEvents in both modes say the same as flat JSON.

use contract::BuryReason;
use contract::intake::Delivery;
use contract::pipeline::Format;
use contract::result::CLOUD_EVENT_JSON;

use crate::support::{PURCHASE, intake, json};

const DATA: &str = r#"{"member":"m1","order":"o1","amount":"29.33"}"#;

fn structured(body: &str) -> Result<contract::event::Event, contract::Refusal> {
    let content_type = Some("application/cloudevents+json; charset=utf-8");
    let delivery =
        Delivery { exchange: "shop", routing_key: "purchase", content_type, headers: &[], body: body.as_bytes() };
    intake(Format::CloudEvents).decode(&delivery)
}

fn envelope(rest: &str) -> String {
    format!(
        r#"{{"specversion":"1.0","id":"e1","source":"shop","type":"purchase","time":"2026-01-31T12:00:00Z",{rest}}}"#
    )
}

#[test]
fn structured_mode_says_the_same_as_flat_json() {
    assert_eq!(structured(&envelope(&format!(r#""data":{DATA}"#))).unwrap(), json("purchase", PURCHASE).unwrap());
}

#[test]
fn binary_mode_says_the_same_as_flat_json() {
    for prefix in ["cloudEvents:", "cloudEvents_"] {
        let headers: Vec<(String, String)> = [
            ("specversion", "1.0"),
            ("id", "e1"),
            ("source", "shop"),
            ("type", "purchase"),
            ("time", "2026-01-31T12:00:00Z"),
        ]
        .iter()
        .map(|(name, value)| (format!("{prefix}{name}"), (*value).to_owned()))
        .collect();
        let delivery = Delivery {
            exchange: "shop",
            routing_key: "purchase",
            content_type: Some("application/json"),
            headers: &headers,
            body: DATA.as_bytes(),
        };
        let event = intake(Format::CloudEvents).decode(&delivery).unwrap();
        assert_eq!(event, json("purchase", PURCHASE).unwrap());
    }
}

#[test]
fn the_subject_is_the_member_where_the_data_names_none() {
    let event = structured(&envelope(r#""subject":"m9","data":{"order":"o1","amount":"1.00"}"#)).unwrap();
    assert_eq!(event.member.as_str(), "m9");
}

#[test]
fn what_is_no_cloud_event_is_refused() {
    for (body, reason, says) in [
        (PURCHASE.to_owned(), BuryReason::MissingField, "`specversion`"),
        (envelope(r#""data":{}"#).replace("1.0", "0.3"), BuryReason::BadValue, "only 1.0"),
        (envelope(r#""data_base64":"e30=""#), BuryReason::BadValue, "`data_base64`"),
        (envelope(r#""data":{"member":5}"#), BuryReason::WrongType, "`data.member`"),
        (envelope(r#""data":{"member":"m1"}"#).replace(r#""id":"e1","#, ""), BuryReason::MissingField, "`id`"),
    ] {
        let refusal = structured(&body).unwrap_err();
        assert_eq!(refusal.reason, reason, "{body}: {refusal}");
        assert!(refusal.detail.contains(says), "{body}: {}", refusal.detail);
    }
}

#[test]
fn a_result_is_a_cloud_event_with_an_id_of_its_cause() {
    use contract::result::{ResultBody, ResultEvent};
    let event = json("purchase", PURCHASE).unwrap();
    let pipeline = contract::PipelineName::parse("p").unwrap();
    let body = || ResultBody::RedemptionAccepted {
        wallet: contract::WalletName::parse("points").unwrap(),
        points: "5".into(),
        available: "7".into(),
    };
    let result = ResultEvent::of(&pipeline, &event, 0, body());
    assert_eq!(result.id, ResultEvent::of(&pipeline, &event, 0, body()).id);
    assert_ne!(result.id, ResultEvent::of(&pipeline, &event, 1, body()).id);
    let sent: serde_json::Value = serde_json::from_slice(&result.to_cloud_event(&pipeline)).unwrap();
    assert_eq!(
        sent,
        serde_json::json!({
            "specversion": "1.0", "id": result.id, "source": "/pipelines/p", "type": "redemption.accepted",
            "time": "2026-01-31T12:00:00Z", "subject": "m1", "datacontenttype": "application/json",
            "causeid": "e1", "causesource": "shop",
            "data": { "wallet": "points", "points": "5", "available": "7" },
        })
    );
    assert_eq!(CLOUD_EVENT_JSON, "application/cloudevents+json");
}
