//! Names of rows: kept once for all groups, and found by their letters.

use std::collections::HashMap;

use sha2::{Digest, Sha256};

use super::{Conditions, limit_arg, value_groups};
use crate::StoreError;
use crate::db::{Arg, Conn, Dialect, Readers, Row, args, storable};
use crate::grid::{MAX_HIT_GROUPS, MAX_ROW_HITS, RowHit, RowSearch};

/// The most values that one statement takes; both databases could take more.
const CHUNK: usize = 500;

/// The low bits of an id number the name, the high bits are its length.
const NUMBER_BITS: u32 = 40;

/// Names of this many letters and longer ones are ordered by age alone.
const LONGEST: usize = (1 << (62 - NUMBER_BITS)) - 1;

/// Behind every name in the index of letters, so that each of its letters begins three of them.
const BEHIND: &str = "\u{1}\u{1}";

/// How many names a search reads at once.
const PAGE: usize = 1_000;

/// The most names that a search reads; after that it says that there may be more.
const MAX_READ: usize = 50_000;

/// How many of the shortest names are read for words that have no three letters, before the index
/// is asked which letters stand behind them: common ones are found here.
const SHORTEST: usize = 20_000;

/// The most beginnings that a search for one or two letters looks up.
const MAX_BEGINNINGS: usize = 200;

/// The values in pieces that fit a statement.
pub(super) fn chunks<T>(values: &[T]) -> impl Iterator<Item = &[T]> {
    values.chunks(CHUNK)
}

fn hash_of(name: &str) -> i64 {
    let digest = Sha256::digest(name.as_bytes());
    digest.iter().take(8).fold(0, |hash, byte| (hash << 8) | i64::from(*byte))
}

/// Small letters, one by one: whether a name contains a word does not depend on where it stands.
fn folded(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).collect()
}

/// `$1, $2, …` for these ids, after what `where_` has.
fn id_list(where_: &mut Conditions, ids: &[i64]) -> String {
    let placeholders: Vec<String> = ids.iter().map(|id| where_.arg(*id)).collect();
    placeholders.join(", ")
}

/// The ids of names, in their order. Names that are new are added.
pub(super) async fn intern(conn: &mut Conn, names: Vec<String>) -> Result<Vec<i64>, StoreError> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let names: Vec<String> = names.iter().map(|name| storable(name)).collect();
    let mut known: HashMap<String, i64> = HashMap::with_capacity(names.len());
    let mut hashes: Vec<i64> = names.iter().map(|name| hash_of(name)).collect();
    hashes.sort_unstable();
    hashes.dedup();
    for hashes in chunks(&hashes) {
        let mut where_ = Conditions::default();
        let list = id_list(&mut where_, hashes);
        where_.push(format!("hash IN ({list})"));
        let sql = format!("SELECT name, id FROM grid_tests {}", where_.clause());
        for row in conn.fetch(sql, where_.args).await? {
            known.insert(row.text(0)?, row.int(1)?);
        }
    }
    let mut missing: Vec<&String> =
        names.iter().filter(|name| !known.contains_key(*name)).collect();
    missing.sort_unstable();
    missing.dedup();
    if !missing.is_empty() {
        let sql = "UPDATE grid_test_numbers SET last = last + $1 RETURNING last";
        let rows = conn.fetch(sql, args![limit_arg(missing.len())]).await?;
        let last = rows.first().map_or(Ok(0), |row| row.int(0))?;
        let first = last - limit_arg(missing.len()) + 1;
        let mut added: Vec<(i64, &String)> = Vec::with_capacity(missing.len());
        for (number, name) in (first..).zip(missing) {
            let length = name.chars().count().min(LONGEST) as i64;
            added.push(((length << NUMBER_BITS) | number, name));
        }
        // The index of letters takes ids in their order at the least cost.
        added.sort_unstable();
        insert(conn, &added).await?;
        known.extend(added.into_iter().map(|(id, name)| (name.clone(), id)));
    }
    names
        .iter()
        .map(|name| {
            known.get(name).copied().ok_or_else(|| StoreError::Corrupt {
                place: conn.place.clone(),
                detail: format!("the name `{name}` was written and is not there"),
            })
        })
        .collect()
}

async fn insert(conn: &mut Conn, names: &[(i64, &String)]) -> Result<(), StoreError> {
    for names in chunks(names) {
        let mut values: Vec<Arg> = Vec::with_capacity(names.len() * 3);
        for (id, name) in names {
            values.extend(args![*id, hash_of(name), name.as_str()]);
        }
        let groups = value_groups(conn.dialect(), names.len(), 3);
        let sql = format!("INSERT INTO grid_tests (id, hash, name) VALUES {groups}");
        conn.execute(sql, values).await?;
        if conn.dialect() == Dialect::Sqlite {
            let mut values: Vec<Arg> = Vec::with_capacity(names.len() * 2);
            for (id, name) in names {
                values.extend(args![*id, folded(name) + BEHIND]);
            }
            let groups = value_groups(conn.dialect(), names.len(), 2);
            let sql = format!("INSERT INTO grid_test_words (rowid, name) VALUES {groups}");
            conn.execute(sql, values).await?;
        }
    }
    Ok(())
}

/// The ids of names that no group but this one has, in their order.
pub(super) async fn used_only_by(conn: &mut Conn, group_id: i64) -> Result<Vec<i64>, StoreError> {
    let sql = "SELECT DISTINCT test_id FROM grid_rows r WHERE group_id = $1 AND NOT EXISTS \
               (SELECT 1 FROM grid_rows o WHERE o.test_id = r.test_id AND o.group_id <> $1) \
               ORDER BY test_id";
    conn.fetch(sql, args![group_id]).await?.iter().map(|row| row.int(0)).collect()
}

/// Forgets names.
pub(super) async fn remove(conn: &mut Conn, ids: &[i64]) -> Result<(), StoreError> {
    for ids in chunks(ids) {
        let mut where_ = Conditions::default();
        let list = id_list(&mut where_, ids);
        if conn.dialect() == Dialect::Sqlite {
            let sql = format!("DELETE FROM grid_test_words WHERE rowid IN ({list})");
            conn.execute(sql, where_.args.clone()).await?;
        }
        conn.execute(format!("DELETE FROM grid_tests WHERE id IN ({list})"), where_.args).await?;
    }
    Ok(())
}

/// The groups that have a row of this name.
pub(super) async fn groups_of(readers: &Readers, name: &str) -> Result<Vec<String>, StoreError> {
    let name = storable(name);
    let sql = "SELECT DISTINCT g.name FROM grid_tests t JOIN grid_rows r ON r.test_id = t.id \
               JOIN grid_groups g ON g.id = r.group_id \
               WHERE t.hash = $1 AND t.name = $2 ORDER BY g.name";
    let rows = readers.fetch(sql, args![hash_of(&name), name]).await?;
    rows.iter().map(|row| row.text(0)).collect()
}

/// Finds names that contain all words.
pub(super) async fn search(
    readers: &Readers,
    words: &[String],
    limit: usize,
) -> Result<RowSearch, StoreError> {
    let mut words: Vec<String> = words.iter().map(|word| folded(&storable(word))).collect();
    words.retain(|word| !word.is_empty());
    words.sort_unstable();
    words.dedup();
    if words.is_empty() {
        return Ok(RowSearch::default());
    }
    let mut found = Found::new(words, limit.min(MAX_ROW_HITS));
    match readers.dialect() {
        Dialect::Postgres => {
            let mut where_ = Conditions::default();
            for word in &found.words {
                let pattern = where_.arg(format!("%{}%", like_escaped(word)));
                where_.push(format!("name ILIKE {pattern}"));
            }
            found.read(readers, "grid_tests t", "t.id", where_, MAX_READ).await?;
        }
        Dialect::Sqlite => sqlite_search(readers, &mut found).await?,
    }
    let mut hits = found.hits;
    let more = hits.len() > found.limit || !found.exhausted;
    hits.truncate(found.limit);
    Ok(RowSearch { hits: with_groups(readers, hits).await?, more })
}

async fn sqlite_search(readers: &Readers, found: &mut Found) -> Result<(), StoreError> {
    const INDEXED: &str = "grid_test_words w JOIN grid_tests t ON t.id = w.rowid";
    let mut expression = found.words.iter().flat_map(|word| threes(word)).collect::<Vec<_>>();
    if expression.is_empty() {
        found.read(readers, "grid_tests t", "t.id", Conditions::default(), SHORTEST).await?;
        if found.is_done() {
            return Ok(());
        }
        let Some(beginnings) = beginnings(readers, &found.words).await? else {
            // So many that what is searched for is everywhere.
            let all = Conditions::default();
            return found.read(readers, "grid_tests t", "t.id", all, MAX_READ).await;
        };
        if beginnings.is_empty() {
            found.exhausted = true;
            return Ok(());
        }
        expression = vec![format!("({})", beginnings.join(" OR "))];
    }
    let mut where_ = Conditions::default();
    let expression = where_.arg(expression.join(" AND "));
    where_.push(format!("grid_test_words MATCH {expression}"));
    found.read(readers, INDEXED, "w.rowid", where_, MAX_READ).await
}

/// Threes of letters that cover the word, quoted for FTS5; none if it is shorter. They need not
/// stand side by side in a name, so each name that is found is looked at again.
fn threes(word: &str) -> Vec<String> {
    let letters: Vec<char> = word.chars().collect();
    let mut threes: Vec<String> = letters.chunks_exact(3).map(quoted).collect();
    if !letters.len().is_multiple_of(3) && letters.len() > 3 {
        threes.extend(letters.last_chunk::<3>().map(|last| quoted(last)));
    }
    threes
}

fn quoted(letters: &[char]) -> String {
    let text: String = letters.iter().collect();
    format!("\"{}\"", text.replace('"', "\"\""))
}

/// The threes that begin with the word that has fewest of them; `None` if those are too many.
async fn beginnings(
    readers: &Readers,
    words: &[String],
) -> Result<Option<Vec<String>>, StoreError> {
    let mut fewest: Option<Vec<String>> = None;
    for word in words {
        let sql = "SELECT term FROM grid_test_trigrams WHERE term >= $1 AND term <= $2 LIMIT $3";
        let args = args![word.as_str(), format!("{word}\u{10ffff}"), limit_arg(MAX_BEGINNINGS + 1)];
        let terms = readers.fetch(sql, args).await?;
        let terms: Vec<String> = terms
            .iter()
            .map(|row| Ok(quoted(&row.text(0)?.chars().collect::<Vec<char>>())))
            .collect::<Result<_, StoreError>>()?;
        let better = fewest.as_ref().is_none_or(|fewest| terms.len() < fewest.len());
        if terms.len() <= MAX_BEGINNINGS && better {
            fewest = Some(terms);
        }
    }
    Ok(fewest)
}

fn like_escaped(word: &str) -> String {
    let mut pattern = String::with_capacity(word.len());
    for letter in word.chars() {
        if matches!(letter, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern
}

/// What a search has found so far, and how far it has come.
struct Found {
    words: Vec<String>,
    limit: usize,
    hits: Vec<(i64, String)>,
    /// The id of the last name that was looked at.
    after: i64,
    /// Whether there are no further names.
    exhausted: bool,
}

impl Found {
    fn new(words: Vec<String>, limit: usize) -> Found {
        Found { words, limit, hits: Vec::new(), after: -1, exhausted: false }
    }

    fn is_done(&self) -> bool {
        self.exhausted || self.hits.len() > self.limit
    }

    /// Goes on with the names that the conditions let through, in the order of ids, until one hit
    /// more than wanted was found or `most` names were looked at.
    async fn read(
        &mut self,
        readers: &Readers,
        table: &str,
        id: &str,
        mut where_: Conditions,
        most: usize,
    ) -> Result<(), StoreError> {
        let after = where_.arg(self.after);
        let place = where_.args.len() - 1;
        where_.push(format!("{id} > {after}"));
        // Few at first: a common word has its hits at once.
        let mut page = (self.limit + 1).clamp(1, PAGE);
        let limit = where_.arg(limit_arg(page));
        let sql = format!(
            "SELECT t.id, t.name FROM {table} {} ORDER BY {id} LIMIT {limit}",
            where_.clause()
        );
        let mut read = 0;
        while !self.is_done() && read < most {
            let mut args = where_.args.clone();
            args[place] = Arg::from(self.after);
            args[place + 1] = Arg::from(limit_arg(page));
            let rows = readers.fetch(sql.clone(), args).await?;
            for row in &rows {
                self.look_at(row)?;
            }
            read += rows.len();
            self.exhausted = rows.len() < page;
            page = PAGE;
        }
        Ok(())
    }

    fn look_at(&mut self, row: &Row) -> Result<(), StoreError> {
        let (id, name) = (row.int(0)?, row.text(1)?);
        self.after = id;
        let small = folded(&name);
        if self.words.iter().all(|word| small.contains(word.as_str())) {
            self.hits.push((id, name));
        }
        Ok(())
    }
}

/// Adds the groups that have rows of these names.
async fn with_groups(
    readers: &Readers,
    hits: Vec<(i64, String)>,
) -> Result<Vec<RowHit>, StoreError> {
    let ids: Vec<i64> = hits.iter().map(|(id, _)| *id).collect();
    let mut groups: HashMap<i64, (Vec<String>, usize)> = HashMap::with_capacity(ids.len());
    for ids in chunks(&ids) {
        let mut where_ = Conditions::default();
        let list = id_list(&mut where_, ids);
        let most = where_.arg(limit_arg(MAX_HIT_GROUPS));
        let sql = format!(
            "SELECT test_id, name, total FROM (SELECT r.test_id, g.name, \
             ROW_NUMBER() OVER (PARTITION BY r.test_id ORDER BY g.name) AS place, \
             COUNT(*) OVER (PARTITION BY r.test_id) AS total \
             FROM (SELECT DISTINCT test_id, group_id FROM grid_rows WHERE test_id IN ({list})) r \
             JOIN grid_groups g ON g.id = r.group_id) named \
             WHERE place <= {most} ORDER BY test_id, place"
        );
        for row in readers.fetch(sql, where_.args).await? {
            let (names, total) = groups.entry(row.int(0)?).or_default();
            names.push(row.text(1)?);
            *total = usize::try_from(row.int(2)?).unwrap_or_default();
        }
    }
    // A name without groups was removed a moment ago.
    let named = hits.into_iter().filter_map(|(id, name)| {
        let (groups, group_count) = groups.remove(&id)?;
        Some(RowHit { name, groups, group_count })
    });
    Ok(named.collect())
}
