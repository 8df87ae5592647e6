//! What a filter expression may say: known names, types that fit, patterns that can be read. The parser leaves all of this to the
//! moment at which an expression meets a claim, which would be too late.

use std::collections::BTreeMap;

use cel::common::ast::{CallExpr, ComprehensionExpr, Expr, LiteralValue, SourceInfo, operators};
use cel::parser::Expression;
use regex::{Regex, RegexBuilder};

use super::filter::Fault;
use super::known::{Type, VARIABLES};

/// Characters of a name that `heard` is asked for.
const NAME_CHARACTERS_MAX: usize = 200;
/// Bytes that a pattern may take when it is compiled.
const PATTERN_BYTES_MAX: usize = 1 << 20;
/// `all`, `exists` and the like within one another: each goes through its whole list for every element of the one around it.
const LOOPS_MAX: usize = 2;

/// Functions and macros, in the order in which it is told which there are.
const FUNCTIONS: [&str; 14] = [
    "heard",
    "matches",
    "contains",
    "startsWith",
    "endsWith",
    "size",
    "string",
    "int",
    "double",
    "all",
    "exists",
    "exists_one",
    "filter",
    "map",
];

/// What a sound expression asks for.
#[derive(Default)]
pub(super) struct Found {
    /// Names that `heard` is asked for, each once.
    pub(super) names: Vec<String>,
    /// What `matches` looks for, by its text.
    pub(super) patterns: BTreeMap<String, Regex>,
}

/// Everything that is wrong with an expression, or what it asks for.
pub(super) fn check(expression: &Expression, places: &SourceInfo) -> Result<Found, Vec<Fault>> {
    let mut checker = Checker { places, scope: Vec::new(), loops: 0, found: Found::default(), faults: Vec::new() };
    let found = checker.type_of(expression);
    if !matches!(found, Type::Bool | Type::Any) {
        let what = format!("is {}, not true or false", found.in_words());
        checker.fault(expression, what, "a comparison, such as score >= 60");
    }
    let Checker { found, mut faults, .. } = checker;
    faults.sort_by_key(|fault| fault.at);
    if faults.is_empty() { Ok(found) } else { Err(faults) }
}

struct Checker<'a> {
    places: &'a SourceInfo,
    /// Variables of loops, the innermost last.
    scope: Vec<(&'a str, Type)>,
    loops: usize,
    found: Found,
    faults: Vec<Fault>,
}

impl<'a> Checker<'a> {
    fn fault(&mut self, part: &Expression, what: impl Into<String>, accepted: &str) {
        let at = self.places.offset_for(part.id).map_or(0, |(start, _)| start as usize);
        // A call stands at its bracket; people look at its name.
        let before = self.places.source.get(..at).unwrap_or_default();
        let named = match &part.expr {
            Expr::Call(call) if before.ends_with(&call.func_name) => call.func_name.len(),
            _ => 0,
        };
        let at = at - named;
        self.faults.push(Fault::new(at, what, accepted));
    }

    /// What a part of the expression is; anything where it is wrong, which is noted.
    fn type_of(&mut self, part: &'a Expression) -> Type {
        match &part.expr {
            Expr::Ident(name) => self.variable(part, name),
            Expr::Literal(literal) => self.literal(part, literal),
            Expr::List(list) => {
                let types: Vec<Type> = list.elements.iter().map(|element| self.type_of(element)).collect();
                let mut element = Type::Any;
                for (found, of) in types.into_iter().zip(&list.elements) {
                    element = self.joined(of, element, found);
                }
                Type::List(Box::new(element))
            }
            Expr::Comprehension(comprehension) => self.comprehension(part, comprehension),
            Expr::Call(call) => self.call(part, call),
            Expr::Select(select) => {
                self.fault(part, format!("{:?} is no part of anything here", select.field), &names());
                Type::Any
            }
            Expr::Map(_) | Expr::Struct(_) | Expr::Unspecified => {
                self.fault(part, "a map has no use here", "");
                Type::Any
            }
        }
    }

    fn variable(&mut self, part: &Expression, name: &str) -> Type {
        if let Some((_, found)) = self.scope.iter().rev().find(|(known, _)| *known == name) {
            return found.clone();
        }
        if let Some((_, found)) = VARIABLES.iter().find(|(known, _)| *known == name) {
            return found.type_of();
        }
        let known = VARIABLES.map(|(name, _)| name).to_vec();
        self.unknown(part, name, "is not a variable", known);
        Type::Any
    }

    fn unknown(&mut self, part: &Expression, name: &str, what: &str, known: Vec<&'static str>) {
        let accepted = known.join(", ");
        self.fault(part, format!("{name:?} {what}"), &accepted);
        if let Some(fault) = self.faults.last_mut() {
            fault.unknown = Some((name.to_owned(), known));
        }
    }

    fn literal(&mut self, part: &Expression, literal: &LiteralValue) -> Type {
        match literal {
            LiteralValue::Boolean(_) => Type::Bool,
            LiteralValue::Double(_) => Type::Double,
            LiteralValue::Int(_) => Type::Int,
            LiteralValue::String(_) => Type::Text,
            LiteralValue::Bytes(_) | LiteralValue::UInt(_) | LiteralValue::Null => {
                self.fault(part, "has no use here", "a text, a number, true, false or a list of these");
                Type::Any
            }
        }
    }

    /// `all`, `exists`, `exists_one`, `filter` and `map`, which the parser writes out as loops.
    fn comprehension(&mut self, part: &'a Expression, comprehension: &'a ComprehensionExpr) -> Type {
        let range = self.type_of(&comprehension.iter_range);
        let element = match range {
            Type::List(element) => *element,
            Type::Any => Type::Any,
            other => {
                let what = format!("goes through {}", other.in_words());
                self.fault(&comprehension.iter_range, what, "a list: topics, watched or [\"a\", \"b\"]");
                Type::Any
            }
        };
        if self.loops == LOOPS_MAX {
            self.fault(
                part,
                "goes through a list within lists",
                "all, exists, exists_one, filter and map at most two deep",
            );
            return Type::Any;
        }
        self.loops += 1;
        let begin = self.type_of(&comprehension.accu_init);
        let outside = self.scope.len();
        self.scope.push((&comprehension.accu_var, begin));
        self.scope.push((&comprehension.iter_var, element));
        self.type_of(&comprehension.loop_cond);
        let step = self.type_of(&comprehension.loop_step);
        self.scope.truncate(outside);
        self.scope.push((&comprehension.accu_var, step));
        let result = self.type_of(&comprehension.result);
        self.scope.truncate(outside);
        self.loops -= 1;
        result
    }

    fn call(&mut self, part: &'a Expression, call: &'a CallExpr) -> Type {
        let parts: Vec<&'a Expression> = call.target.as_deref().into_iter().chain(&call.args).collect();
        let types: Vec<Type> = parts.iter().map(|part| self.type_of(part)).collect();
        match (call.func_name.as_str(), types.as_slice()) {
            (
                operators::LOGICAL_AND | operators::LOGICAL_OR | operators::LOGICAL_NOT | operators::NOT_STRICTLY_FALSE,
                _,
            ) => self.expect_all(&parts, &types, &Type::Bool, Type::Bool),
            (operators::CONDITIONAL, [condition, one, other]) => {
                self.expect(part, condition, &Type::Bool);
                self.joined(part, one.clone(), other.clone())
            }
            (operators::EQUALS | operators::NOT_EQUALS, [one, other]) => {
                self.joined(part, one.clone(), other.clone());
                Type::Bool
            }
            (
                operators::LESS | operators::LESS_EQUALS | operators::GREATER | operators::GREATER_EQUALS,
                [one, other],
            ) => {
                let found = self.joined(part, one.clone(), other.clone());
                if matches!(found, Type::Bool | Type::List(_)) {
                    self.fault(part, format!("puts {} in order", found.in_words()), "two numbers or two texts");
                }
                Type::Bool
            }
            (operators::IN, [element, Type::List(of)]) => {
                self.joined(part, element.clone(), of.as_ref().clone());
                Type::Bool
            }
            (operators::IN, [_, found]) => {
                let accepted = "a list: topics, watched or [\"a\", \"b\"]; in a text: sentence.contains(\"a\")";
                if *found != Type::Any {
                    self.fault(part, format!("looks in {}", found.in_words()), accepted);
                }
                Type::Bool
            }
            (operators::INDEX, [Type::List(of), index]) => {
                let of = of.as_ref().clone();
                self.expect(part, index, &Type::Int);
                of
            }
            (
                operators::ADD | operators::SUBSTRACT | operators::MULTIPLY | operators::DIVIDE | operators::MODULO,
                [one, other],
            ) => self.sum(part, &call.func_name, one, other),
            (operators::NEGATE, [found @ (Type::Int | Type::Double | Type::Any)]) => found.clone(),
            (name, _) => self.function(part, name, &parts, &types, call.target.is_some()),
        }
    }

    /// A function, by its name and what it is given; its target is the first of `parts`.
    fn function(
        &mut self,
        part: &Expression,
        name: &str,
        parts: &[&'a Expression],
        types: &[Type],
        has_target: bool,
    ) -> Type {
        let accepted = match (name, types) {
            ("contains" | "startsWith" | "endsWith", [_, _]) if has_target => {
                return self.expect_all(parts, types, &Type::Text, Type::Bool);
            }
            ("contains" | "startsWith" | "endsWith", _) => "a text behind a text, such as headline.contains(\"leak\")",
            ("matches", [_, _]) => {
                self.expect_all(parts, types, &Type::Text, Type::Bool);
                parts.get(1).into_iter().for_each(|pattern| self.pattern(pattern));
                return Type::Bool;
            }
            ("matches", _) => "a pattern behind a text, such as headline.matches(\"(?i)leak(s|ed)?\")",
            ("heard", [_]) if !has_target => {
                parts.first().into_iter().for_each(|name| self.name(name));
                return Type::Bool;
            }
            ("heard", _) => "a name, such as heard(\"Corvane Lines\")",
            ("size", [Type::Text | Type::List(_) | Type::Any]) => return Type::Int,
            ("size", _) => "a text or a list, such as size(topics)",
            ("string", [Type::Text | Type::Int | Type::Double | Type::Bool | Type::Any]) if !has_target => {
                return Type::Text;
            }
            ("int", [Type::Text | Type::Int | Type::Double | Type::Any]) if !has_target => return Type::Int,
            ("double", [Type::Text | Type::Int | Type::Double | Type::Any]) if !has_target => return Type::Double,
            ("string" | "int" | "double", _) => "one value, such as string(score)",
            ("all" | "exists" | "exists_one" | "filter" | "map", _) => {
                "a name and an expression behind a list, such as topics.exists(topic, topic == \"politics\")"
            }
            (operators::INDEX | operators::NEGATE, _) => {
                let found: Vec<&str> = types.iter().map(Type::in_words).collect();
                self.fault(part, format!("does not go with {}", found.join(" and ")), "");
                return Type::Any;
            }
            _ => {
                self.unknown(part, name, "is not a function", FUNCTIONS.to_vec());
                return Type::Any;
            }
        };
        self.fault(part, format!("{name} does not take this"), accepted);
        Type::Any
    }

    /// What two values come to.
    fn sum(&mut self, part: &Expression, operator: &str, one: &Type, other: &Type) -> Type {
        let is_sum = operator == operators::ADD;
        match (one, other) {
            (Type::Any, found) | (found, Type::Any) => found.clone(),
            (Type::Int, Type::Int) => Type::Int,
            (Type::Double, Type::Double) if operator != operators::MODULO => Type::Double,
            (Type::Text, Type::Text) if is_sum => Type::Text,
            (Type::List(one), Type::List(other)) if is_sum => {
                Type::List(Box::new(self.joined(part, one.as_ref().clone(), other.as_ref().clone())))
            }
            (Type::Int | Type::Double, Type::Int | Type::Double) => {
                self.fault(
                    part,
                    "reckons with a whole number and another number",
                    "both of one form: double(score) * 0.5",
                );
                Type::Any
            }
            _ => {
                let what = format!("reckons with {} and {}", one.in_words(), other.in_words());
                self.fault(part, what, "two numbers; with +, two texts or two lists");
                Type::Any
            }
        }
    }

    /// What holds both of two values; where nothing does, they cannot be compared.
    fn joined(&mut self, part: &Expression, one: Type, other: Type) -> Type {
        match (one, other) {
            (Type::Any, found) | (found, Type::Any) => found,
            (Type::List(one), Type::List(other)) => Type::List(Box::new(self.joined(part, *one, *other))),
            (Type::Int, Type::Double) | (Type::Double, Type::Int) => Type::Double,
            (one, other) if one == other => one,
            (one, other) => {
                self.fault(part, format!("puts {} beside {}", one.in_words(), other.in_words()), "values of one form");
                Type::Any
            }
        }
    }

    fn expect(&mut self, part: &Expression, found: &Type, wanted: &Type) {
        if found != wanted && *found != Type::Any {
            self.fault(part, format!("has {} where {} belongs", found.in_words(), wanted.in_words()), "");
        }
    }

    fn expect_all(&mut self, parts: &[&Expression], types: &[Type], wanted: &Type, result: Type) -> Type {
        for (part, found) in parts.iter().zip(types) {
            self.expect(part, found, wanted);
        }
        result
    }

    /// A pattern is compiled once, so it must stand there.
    fn pattern(&mut self, part: &Expression) {
        let Some(text) = written(part) else {
            return self.fault(part, "the pattern of matches must be written there", "a pattern in quotes");
        };
        match RegexBuilder::new(text).size_limit(PATTERN_BYTES_MAX).build() {
            Ok(pattern) => drop(self.found.patterns.insert(text.to_owned(), pattern)),
            Err(regex::Error::CompiledTooBig(_)) => self.fault(part, "the pattern is too large", "a smaller one"),
            Err(error) => {
                let error = error.to_string();
                let last = error.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
                self.fault(
                    part,
                    format!("the pattern cannot be read: {last}"),
                    "a pattern as the crate regex has them",
                );
            }
        }
    }

    /// A name is prepared once, so it must stand there.
    fn name(&mut self, part: &Expression) {
        const NAME: &str = "a name of 1 to 200 characters in quotes, with a letter or a digit in it";
        let fits = |name: &&str| name.chars().count() <= NAME_CHARACTERS_MAX && name.chars().any(char::is_alphanumeric);
        match written(part).filter(fits) {
            Some(name) if self.found.names.iter().any(|known| known == name) => {}
            Some(name) => self.found.names.push(name.to_owned()),
            None => self.fault(part, "heard cannot listen for this", NAME),
        }
    }
}

/// A text that stands in the expression.
fn written(part: &Expression) -> Option<&str> {
    match &part.expr {
        Expr::Literal(LiteralValue::String(text)) => Some(text.inner()),
        _ => None,
    }
}

fn names() -> String {
    VARIABLES.map(|(name, _)| name).join(", ")
}
