//! The networks at run time: integers of a window in, scores out; `rten` does the sums.

use std::sync::{Arc, Mutex, PoisonError};

use rten::{Model, ModelOptions, NodeId, RunOptions, ThreadPool, Value, ValueOrView};

use super::window::Window;
use crate::extract::ModelError;

/// Rows of scores, one behind the other.
#[derive(Debug, Default, Clone, PartialEq)]
pub(super) struct Rows {
    values: Vec<f32>,
    width: usize,
}

impl Rows {
    /// One row; empty where there is none.
    pub(super) fn row(&self, at: usize) -> &[f32] {
        self.values.get(at * self.width..(at + 1) * self.width).unwrap_or_default()
    }
}

/// Reads a window: for every word what it is.
pub(super) struct Encoder {
    model: Model,
    pools: Arc<Pools>,
    inputs: [NodeId; 5],
    outputs: [NodeId; 3],
}

/// What the encoder makes of a window.
pub(super) struct Encoded {
    /// For every word, its meaning in this window: input of the heads.
    words: Value,
    /// For every word, scores of the labels of cues: those of claims, then those of statements.
    pub(super) cues: Rows,
    /// For every word, scores of the kinds of claims: telling at the ends of sentences.
    pub(super) kinds: Rows,
}

/// Reads one act of an encoded window: who says what, of whom, in answer to what.
pub(super) struct Heads {
    model: Model,
    pools: Arc<Pools>,
    inputs: [NodeId; 8],
    outputs: [NodeId; 4],
}

/// The acts that the heads are asked about.
#[derive(Debug, Default)]
pub(super) struct Questions {
    /// For each act, first word of its cue.
    pub(super) first: Vec<i32>,
    /// Last word of its cue.
    pub(super) last: Vec<i32>,
    /// Its kind: 0 to 4 of a claim, 5 of a statement.
    pub(super) kind: Vec<i32>,
    /// For each pair of an answer and an allegation, the two as positions among the acts.
    pub(super) pairs: Vec<(i32, i32)>,
}

/// What the heads say of all acts.
#[derive(Debug, Default)]
pub(super) struct Answers {
    /// For each act and each word of the window, log-probabilities of the labels of source and content.
    pub(super) arguments: Rows,
    /// For each act, the probability that it is told as an old one.
    pub(super) background: Vec<f32>,
    /// For each pair, how much speaks for the one answering the other.
    pub(super) links: Vec<f32>,
    /// For each act, how much speaks for its answering nothing.
    pub(super) none: Vec<f32>,
}

impl std::fmt::Debug for Encoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Encoder").field("params", &self.model.total_params()).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Heads {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Heads").field("params", &self.model.total_params()).finish_non_exhaustive()
    }
}

/// Where the networks say that their 8-bit weights are.
const WEIGHTS: &str = "weights.data";

/// Reads a network that is part of the program, and uses its weights where they stand: a copy would be the largest piece of memory by far.
///
/// # Errors
/// If it is none.
pub(super) fn load_embedded(network: &'static [u8], weights: &'static [u8]) -> Result<Model, ModelError> {
    let mut options = ModelOptions::with_all_ops();
    options.external_data_static(WEIGHTS, weights).load_static_slice(network).map_err(|_| ModelError::NotAModel)
}

/// Reads a network from any bytes.
///
/// # Errors
/// If it is none.
pub(super) fn load(network: &[u8], weights: &[u8]) -> Result<Model, ModelError> {
    let mut options = ModelOptions::with_all_ops();
    options.external_data(WEIGHTS, weights.to_vec()).load(network.to_vec()).map_err(|_| ModelError::NotAModel)
}

fn ids<const N: usize>(model: &Model, names: [&str; N]) -> Result<[NodeId; N], ModelError> {
    let mut found = Vec::with_capacity(N);
    for name in names {
        found.push(model.node_id(name).map_err(|_| ModelError::NotAModel)?);
    }
    found.try_into().map_err(|_| ModelError::NotAModel)
}

/// Threads on which networks run, one for each document that is analysed at the same time. They are kept: a new one for each batch
/// would leave its memory behind with the C library, which has an arena for every few threads.
#[derive(Debug, Default)]
pub(super) struct Pools(Mutex<Vec<Arc<ThreadPool>>>);

/// A pool of one thread, given back when dropped.
struct Lent<'p> {
    pools: &'p Pools,
    pool: Arc<ThreadPool>,
}

impl Pools {
    fn lend(&self) -> Lent<'_> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        Lent { pools: self, pool: kept.unwrap_or_else(|| Arc::new(ThreadPool::with_num_threads(1))) }
    }
}

impl Lent<'_> {
    fn options(&self) -> RunOptions {
        RunOptions::default().with_thread_pool(Some(Arc::clone(&self.pool)))
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        self.pools.0.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&self.pool));
    }
}

/// A list as a tensor.
fn list(values: Vec<i32>) -> Option<ValueOrView<'static>> {
    Some(Value::from_shape(&[values.len()], values).ok()?.into())
}

fn rows<const N: usize>(value: Value) -> Option<Rows> {
    let (shape, values) = value.into_shape_vec::<f32, N>().ok()?;
    Some(Rows { values, width: shape.last().copied()? })
}

fn flat(value: Value) -> Option<Vec<f32>> {
    value.into_shape_vec::<f32, 1>().ok().map(|(_, values)| values)
}

impl Encoder {
    /// Of the network of an ONNX file.
    ///
    /// # Errors
    /// If it has other inputs and outputs.
    pub(super) fn new(model: Model, pools: Arc<Pools>) -> Result<Self, ModelError> {
        let inputs = ids(&model, ["ids", "shape", "quoted", "heading", "first"])?;
        let outputs = ids(&model, ["words", "cues", "sentences"])?;
        Ok(Self { model, pools, inputs, outputs })
    }

    /// Reads a window; `None` where the network fails at it, which one that answered before does not.
    pub(super) fn run(&self, window: &Window) -> Option<Encoded> {
        let lists = [&window.pieces, &window.shapes, &window.quoted, &window.heading, &window.first];
        let mut inputs = Vec::with_capacity(lists.len());
        for (id, values) in self.inputs.into_iter().zip(lists) {
            inputs.push((id, list(values.clone())?));
        }
        let found = self.model.run_n(inputs, self.outputs, Some(self.pools.lend().options())).ok()?;
        let [words, cues, kinds] = found;
        Some(Encoded { words, cues: rows::<2>(cues)?, kinds: rows::<2>(kinds)? })
    }
}

impl Heads {
    /// Of the network of an ONNX file.
    ///
    /// # Errors
    /// If it has other inputs and outputs.
    pub(super) fn new(model: Model, pools: Arc<Pools>) -> Result<Self, ModelError> {
        let inputs = ids(&model, ["words", "first", "last", "kind", "near", "answer", "allegation", "apart"])?;
        let outputs = ids(&model, ["arguments", "background", "links", "none"])?;
        Ok(Self { model, pools, inputs, outputs })
    }

    /// Answers the questions about a window of `words` words.
    pub(super) fn run(&self, encoded: &Encoded, words: usize, questions: &Questions) -> Option<Answers> {
        let acts = questions.first.len();
        let near: Vec<i32> = (questions.first.iter().zip(&questions.last))
            .flat_map(|(&first, &last)| (0_i32..).take(words).map(move |word| distance_class(word, first, last)))
            .collect();
        let cue =
            |list: &[i32], act: i32| usize::try_from(act).ok().and_then(|at| list.get(at)).copied().unwrap_or_default();
        let apart = questions.pairs.iter().map(|&(answer, allegation)| {
            let (from, to) = (cue(&questions.first, answer), cue(&questions.first, allegation));
            distance_class(to, from, from)
        });
        let (answers, allegations): (Vec<i32>, Vec<i32>) = questions.pairs.iter().copied().unzip();
        let [encoded_words, first, last, kind, near_id, answer, allegation, apart_id] = self.inputs;
        let inputs = vec![
            (encoded_words, (&encoded.words).into()),
            (first, list(questions.first.clone())?),
            (last, list(questions.last.clone())?),
            (kind, list(questions.kind.clone())?),
            (near_id, Value::from_shape(&[acts, words], near).ok()?.into()),
            (answer, list(answers)?),
            (allegation, list(allegations)?),
            (apart_id, list(apart.collect())?),
        ];
        let found = self.model.run_n(inputs, self.outputs, Some(self.pools.lend().options())).ok()?;
        let [arguments, background, links, none] = found;
        Some(Answers {
            arguments: rows::<3>(arguments)?,
            background: flat(background)?,
            links: flat(links)?,
            none: flat(none)?,
        })
    }
}

/// How far a word stands from a span, in twenty classes: 0 in it, 1 to 9 behind it, 11 to 19 before it.
fn distance_class(word: i32, first: i32, last: i32) -> i32 {
    let distance = if word < first { word - first } else { (word - last).max(0) };
    let away = distance.abs();
    let steps: i32 = [8, 12, 20, 40].into_iter().map(|step| i32::from(away >= step)).sum();
    let class = if away < 5 { away } else { 5 + steps };
    if distance < 0 { 10 + class } else { class }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_have_a_side_and_a_step() {
        let classes = |distances: &[i32]| distances.iter().map(|&at| distance_class(at, 100, 102)).collect::<Vec<_>>();
        assert_eq!(classes(&[100, 101, 102]), [0, 0, 0]);
        assert_eq!(classes(&[103, 106, 107, 109, 110, 122, 142, 999]), [1, 4, 5, 5, 6, 8, 9, 9]);
        assert_eq!(classes(&[99, 92, 60, 0]), [11, 16, 19, 19]);
    }
}
