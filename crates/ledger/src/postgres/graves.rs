//! How each pipeline knows whom it has erased, as far as this process has seen it; and how it comes to know.

use std::collections::{BTreeMap, HashMap};
use std::sync::{PoisonError, RwLock};

use contract::{MemberId, PipelineName};
use deadpool_postgres::Object;
use tokio_postgres::Error;

use super::begin::read_erasure;
use crate::erasure::{self, Erasure, NAMELESS};
use crate::rows::{MemberKey, Rows, bucket};

/// Each batch looks whether it is still so.
#[derive(Debug, Default)]
pub(super) struct Graves(RwLock<HashMap<PipelineName, Erasure>>);

impl Graves {
    pub(super) fn of(&self, pipeline: &PipelineName) -> Option<Erasure> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(pipeline).cloned()
    }

    pub(super) fn learn(&self, pipeline: &PipelineName, erasure: Option<Erasure>) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        match erasure {
            Some(erasure) => known.insert(pipeline.clone(), erasure),
            None => known.remove(pipeline),
        };
    }
}

/// What forgetting the members of a batch needs.
pub(super) struct Forgetting {
    pub(super) erasure: Erasure,
    /// Under which name each one's entries stay.
    pub(super) names: BTreeMap<MemberKey, String>,
}

/// Within the transaction; `None` where nobody is to be forgotten.
pub(super) async fn forgetting(
    client: &Object,
    pipeline: &PipelineName,
    rows: &Rows,
) -> Result<Option<Forgetting>, Error> {
    if rows.erased.is_empty() {
        return Ok(None);
    }
    let erasure = erasure(client, pipeline).await?;
    let mut names = BTreeMap::new();
    for member in rows.erased.keys() {
        names.insert(*member, erasure::pseudonym(pipeline, member.bucket, &random(client).await?));
    }
    Ok(Some(Forgetting { erasure, names }))
}

/// The pipeline's; the first member who is erased makes it. Two at once wait for each other.
async fn erasure(client: &Object, pipeline: &PipelineName) -> Result<Erasure, Error> {
    let name = pipeline.as_str();
    let key = random(client).await? + &random(client).await?;
    let nobody = format!("{NAMELESS}{}", random(client).await?);
    let bucket = MemberId::parse(&nobody).map(|nobody| bucket(pipeline, &nobody)).unwrap_or_default();
    let insert =
        "insert into erasure (pipeline, key, bucket, nobody) values ($1, $2, $3, $4) on conflict (pipeline) do nothing";
    client.execute(insert, &[&name, &key, &bucket, &nobody]).await?;
    let insert = "insert into member (pipeline, bucket, external_id, joined_at, erased_at)
        select pipeline, bucket, nobody, at_micros(0), at_micros(0) from erasure where pipeline = $1
        on conflict (pipeline, bucket, external_id) do nothing";
    client.execute(insert, &[&name]).await?;
    read_erasure(&client.query_one(erasure::FIND, &[&name]).await?)
}

/// 122 random bits of the database, as 32 digits.
async fn random(client: &Object) -> Result<String, Error> {
    client.query_one("select replace(cast(gen_random_uuid() as text), '-', '')", &[]).await?.try_get(0)
}
