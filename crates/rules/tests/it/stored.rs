//! Rule sets that stand: what is new in a programme must not change the address of one that does not say it.

use contract::ruleset::Ruleset;
use rules::compile;

/// As it was stored before rules could say what they say today.
const STORED: &str = r#"{"semantics":1,"program":{"currency":"USD","wallets":[{"name":"points","scale":0}
,{"name":"stars","scale":2}]
,"budgets":[{"name":"spring","wallet":"points","points":"1000"}],"tiers":{"levels":[{"name":"basic"}
,{"name":"silver","reach":{"points":"100"}}],"points":{"wallet":"points"},"window":{"rolling":"12mo"}}
,"timeZone":"Europe/Berlin","refunds":{"takeBack":"WithinBalance"}}
,"rules":[{"name":"base","on":"purchase","when":"event.channel == 'web'","minimumOrder":"5.00"
,"include":{"skus":["a"],"categories":["b"]},"exclude":{"labels":["c=d"]}
,"earn":{"wallet":"points","per":{"amount":"1.00","points":"1.5"},"rounding":{"mode":"HalfUp","at":"Line"},"budget":"spring"},"stopAfter":true}
,{"name":"steps","on":"purchase"
,"earn":{"wallet":"stars","perStep":{"amount":"10","points":"0.25"}
,"pending":{"for":"14d"},"expiry":{"after":"12mo","roundUpTo":"Month"}}}
,{"name":"double","on":"purchase","multiply":{"by":"2","wallet":"points"}}
,{"name":"visit","on":"visit"
,"earn":{"wallet":"points","fixed":"10"}}]}"#;

const HASH: &str = "75ba003d29fb85a3a236d756824d7682784268d4d7fe7d390b017a738ed565e4";

#[test]
fn a_rule_set_of_before_keeps_its_address() {
    let stored = STORED.replace('\n', "");
    let ruleset: Ruleset = serde_json::from_str(&stored).unwrap();
    assert_eq!(ruleset.to_json(), stored);
    assert_eq!(ruleset.hash().0, HASH);
    assert_eq!(compile(ruleset).unwrap().hash().0, HASH);
}
