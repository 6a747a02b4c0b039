//! What predictions cost.

use std::collections::BTreeMap;

use cometapi_batch::columns::{nanos, natural, time};
use cometapi_batch::{Cost, Filter, Usd};

use crate::fault::Result;
use crate::list::Selected;
use crate::session::Session;

pub(crate) async fn costs(session: &Session, filter: &Filter) -> Result<BTreeMap<String, Cost>> {
    let selected = Selected::new(filter);
    // What is planned costs nothing yet, even where a worker has claimed it.
    let sql = format!(
        "SELECT p.model,
             count(*) FILTER (WHERE p.cost IS NULL OR p.cost <> 0),
             coalesce(sum(p.charge), 0)::bigint,
             coalesce(sum(p.cost) FILTER (WHERE p.charge IS NULL), 0)::bigint,
             count(*) FILTER (WHERE p.cost IS NULL),
             min(p.created_at) FILTER (WHERE p.charge IS NULL AND p.id IS NOT NULL)
         FROM {} LEFT JOIN batch b ON b.id = p.batch
         WHERE {} AND p.state <> 'planned' GROUP BY p.model",
        selected.tables, selected.clause
    );
    let rows = session.rows_once(&sql, &selected.params()).await?;
    rows.iter()
        .map(|row| {
            let mut cost = Cost::default();
            cost.predictions = natural(row.try_get(1)?);
            cost.charged = Usd::from_nanos(row.try_get(2)?);
            cost.expected = Usd::from_nanos(row.try_get(3)?);
            cost.unknown = natural(row.try_get(4)?);
            cost.uncharged_since = row.try_get::<_, Option<i64>>(5)?.map(time);
            Ok((row.try_get(0)?, cost))
        })
        .collect()
}

pub(crate) async fn charge(
    session: &Session,
    service: &str,
    charges: &[(String, Usd)],
) -> Result<u64> {
    let ids: Vec<&str> = charges.iter().map(|(id, _)| id.as_str()).collect();
    let amounts: Vec<i64> = charges.iter().map(|(_, charge)| nanos(*charge)).collect();
    let found = session
        .execute(
            "UPDATE prediction p SET charge = said.charge
             FROM unnest($1::text[], $2::bigint[]) AS said (id, charge)
             WHERE p.id = said.id AND p.service = $3",
            &[&ids, &amounts, &service],
        )
        .await?;
    Ok(found)
}

/// Gives the rows of a batch the prices of their models: those that are to be created the ones of now,
/// and those that were sent without a price the only ones that are known.
pub(crate) async fn price(
    session: &Session,
    batch: i64,
    prices: &BTreeMap<String, Usd>,
) -> Result<()> {
    for (model, price) in prices {
        session
            .execute(
                "UPDATE prediction SET price = $1
                 WHERE batch = $2 AND model = $3 AND price IS DISTINCT FROM $1
                     AND (price IS NULL OR state = 'planned' AND worker IS NULL)",
                &[&nanos(*price), &batch, model],
            )
            .await?;
    }
    Ok(())
}

/// What a batch has spent, with what is claimed, in billionths of a dollar, and how many of its
/// predictions cost something that is not known.
pub(crate) async fn spent(session: &Session, batch: Option<i64>) -> Result<(i64, i64)> {
    let row = session
        .one(
            "SELECT coalesce(sum(amount), 0)::bigint, coalesce(sum(unpriced), 0)::bigint
             FROM spent WHERE batch = $1",
            &[&batch],
        )
        .await?;
    Ok((row.try_get(0)?, row.try_get(1)?))
}
