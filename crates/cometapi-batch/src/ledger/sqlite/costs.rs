//! What predictions cost.

use std::collections::BTreeMap;

use cometapi_account::Usd;
use rusqlite::{Connection, Row, params, params_from_iter};

use crate::ledger::record::Filter;
use crate::ledger::sqlite::columns::{nanos, natural, time};
use crate::ledger::sqlite::fault::Result;
use crate::ledger::sqlite::list::{Conditions, conditions};
use crate::ledger::{Cost, LoadId};

pub(super) fn costs(conn: &Connection, filter: &Filter) -> Result<BTreeMap<String, Cost>> {
    let Conditions {
        tables,
        clause,
        values,
    } = conditions(filter);
    // What is planned costs nothing yet, even where a worker has claimed it.
    let sql = format!(
        "SELECT p.model,
             count(*) FILTER (WHERE p.cost IS NULL OR p.cost <> 0),
             coalesce(sum(p.charge), 0),
             coalesce(sum(p.cost) FILTER (WHERE p.charge IS NULL), 0),
             count(*) FILTER (WHERE p.cost IS NULL),
             min(p.created_at) FILTER (WHERE p.charge IS NULL AND p.id IS NOT NULL)
         FROM {tables} LEFT JOIN batch b ON b.id = p.batch
         WHERE {clause} AND p.state <> 'planned' GROUP BY p.model"
    );
    let cost = |row: &Row<'_>| {
        let cost = Cost {
            predictions: natural(row.get(1)?),
            charged: Usd::from_nanos(row.get(2)?),
            expected: Usd::from_nanos(row.get(3)?),
            unknown: natural(row.get(4)?),
            uncharged_since: row.get::<_, Option<i64>>(5)?.map(time),
        };
        Ok((row.get(0)?, cost))
    };
    let mut statement = conn.prepare(&sql)?;
    let found = statement.query_map(params_from_iter(values), cost)?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}

pub(super) fn charge(conn: &Connection, service: &str, charges: &[(String, Usd)]) -> Result<u64> {
    let mut statement =
        conn.prepare_cached("UPDATE prediction SET charge = ?1 WHERE id = ?2 AND service = ?3")?;
    let mut found = 0;
    for (id, charge) in charges {
        found += statement.execute(params![nanos(*charge), id, service])? as u64;
    }
    Ok(found)
}

/// Gives the rows of a batch the prices of their models: those that are to be created the ones of now,
/// and those that were sent without a price the only ones that are known.
pub(super) fn price(conn: &Connection, batch: i64, prices: &BTreeMap<String, Usd>) -> Result<()> {
    for (model, price) in prices {
        conn.prepare_cached(
            "UPDATE prediction SET price = ?1
             WHERE batch = ?2 AND model = ?3 AND price IS NOT ?1
                 AND (price IS NULL OR state = 'planned' AND worker IS NULL)",
        )?
        .execute(params![nanos(*price), batch, model])?;
    }
    Ok(())
}

/// What the batch of a load has spent, with what is claimed, in billionths of a dollar.
pub(super) fn spent(conn: &Connection, load: LoadId) -> Result<i64> {
    let spent = conn
        .prepare_cached(
            "SELECT b.spent FROM batch b WHERE b.id = (
                 SELECT o.batch FROM temp.staged s CROSS JOIN prediction o ON o.seq = s.seq
                 WHERE s.load = ? LIMIT 1)",
        )?
        .query_row([load.0], |row| row.get(0));
    match spent {
        // None of its rows is recorded.
        Err(rusqlite::Error::QueryReturnedNoRows) => Ok(0),
        spent => Ok(spent?),
    }
}
