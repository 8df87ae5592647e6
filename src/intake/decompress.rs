//! Undoes a response's content encodings without ever holding more than the permitted number of bytes.

use std::io::{self, Read};

/// Encodings that may be stacked; real servers use one.
const STACK_MAX: usize = 2;
/// Largest zstd window, as RFC 9659 limits it for HTTP.
const ZSTD_WINDOW_MAX: u64 = 8 << 20;
/// Buffer between the brotli decoder and its input.
const BROTLI_BUFFER: usize = 16 << 10;

/// What the fetcher sends as `Accept-Encoding`: what [`decompress`] can undo.
pub(super) const ACCEPT_ENCODING: &str = "gzip, deflate, br, zstd";

/// Why a body cannot be decoded.
#[derive(Debug, thiserror::Error)]
pub enum DecompressError {
    /// It grew past the limit.
    #[error("the decoded body is over {limit} bytes")]
    TooLarge {
        /// Bytes permitted.
        limit: u64,
    },
    /// An encoding that was not asked for.
    #[error("the content encoding {0:?} is unknown")]
    Unknown(String),
    /// More encodings on top of each other than any honest server uses.
    #[error("more than {STACK_MAX} content encodings on top of each other")]
    Stacked,
    /// The data is broken or cut.
    #[error("the {encoding} data is broken: {source}")]
    Corrupt {
        /// The encoding.
        encoding: &'static str,
        /// What the decoder says.
        source: io::Error,
    },
}

#[derive(Debug, Clone, Copy)]
enum Encoding {
    Gzip,
    Deflate,
    Brotli,
    Zstd,
}

impl Encoding {
    fn as_str(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
            Self::Brotli => "br",
            Self::Zstd => "zstd",
        }
    }
}

/// Undoes the encodings that the header `Content-Encoding` names, the last one first.
///
/// # Errors
/// When an encoding is unknown, the data broken or the result larger than `limit`.
pub(super) fn decompress(header: &str, mut body: Vec<u8>, limit: u64) -> Result<Vec<u8>, DecompressError> {
    for encoding in stack(header)?.into_iter().rev() {
        body = undo(encoding, &body, limit)?;
    }
    if body.len() as u64 > limit {
        return Err(DecompressError::TooLarge { limit });
    }
    Ok(body)
}

fn stack(header: &str) -> Result<Vec<Encoding>, DecompressError> {
    let mut stack = Vec::new();
    for name in header.split(',').map(|name| name.trim().to_ascii_lowercase()) {
        stack.push(match name.as_str() {
            "" | "identity" => continue,
            "gzip" | "x-gzip" => Encoding::Gzip,
            "deflate" => Encoding::Deflate,
            "br" => Encoding::Brotli,
            "zstd" => Encoding::Zstd,
            _ => return Err(DecompressError::Unknown(name.chars().take(40).collect())),
        });
        if stack.len() > STACK_MAX {
            return Err(DecompressError::Stacked);
        }
    }
    Ok(stack)
}

fn undo(encoding: Encoding, body: &[u8], limit: u64) -> Result<Vec<u8>, DecompressError> {
    let decoded = match encoding {
        Encoding::Gzip => read_capped(flate2::read::MultiGzDecoder::new(body), limit),
        // The standard means zlib, some servers send it bare; zlib's first byte has 8 in its low half.
        Encoding::Deflate if body.first().is_some_and(|first| first & 0x0f == 8) => {
            read_capped(flate2::read::ZlibDecoder::new(body), limit)
        }
        Encoding::Deflate => read_capped(flate2::read::DeflateDecoder::new(body), limit),
        Encoding::Brotli => read_capped(brotli_decompressor::Decompressor::new(body, BROTLI_BUFFER), limit),
        Encoding::Zstd => unzstd(body, limit),
    };
    let decoded = decoded.map_err(|source| DecompressError::Corrupt { encoding: encoding.as_str(), source })?;
    if decoded.len() as u64 > limit {
        return Err(DecompressError::TooLarge { limit });
    }
    Ok(decoded)
}

/// Reads to the end, or to one byte past the limit.
fn read_capped(decoder: impl Read, limit: u64) -> io::Result<Vec<u8>> {
    let mut decoded = Vec::new();
    decoder.take(limit.saturating_add(1)).read_to_end(&mut decoded)?;
    Ok(decoded)
}

/// All frames of a zstd body; the decoder reads one at a time.
fn unzstd(mut body: &[u8], limit: u64) -> io::Result<Vec<u8>> {
    let mut decoded = Vec::new();
    while !body.is_empty() && decoded.len() as u64 <= limit {
        let left = limit.saturating_add(1) - decoded.len() as u64;
        let frame = ruzstd::decoding::StreamingDecoder::new_with_max_window_size(&mut body, ZSTD_WINDOW_MAX)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        frame.take(left).read_to_end(&mut decoded)?;
    }
    Ok(decoded)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    const TEXT: &[u8] = b"<rss version=\"2.0\"/>";

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn zlib(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn bare_deflate(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn zstd(bytes: &[u8]) -> Vec<u8> {
        ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
    }

    #[track_caller]
    fn check(header: &str, body: Vec<u8>, expected: &str) {
        let outcome = match decompress(header, body, 1000) {
            Ok(body) => String::from_utf8(body).unwrap(),
            Err(error) => error.to_string(),
        };
        assert!(outcome.contains(expected), "{header}: {outcome}");
    }

    #[test]
    fn every_encoding_is_undone() {
        let text = std::str::from_utf8(TEXT).unwrap();
        check("", TEXT.to_vec(), text);
        check("identity", TEXT.to_vec(), text);
        check("GZIP", gzip(TEXT), text);
        check("deflate", zlib(TEXT), text);
        check("deflate", bare_deflate(TEXT), text);
        // "<rss version=\"2.0\"/>" as a stored brotli metablock.
        let mut brotli = vec![0x8b, 0x09, 0x80];
        brotli.extend_from_slice(TEXT);
        brotli.push(0x03);
        check("br", brotli, text);
        check("zstd", zstd(TEXT), text);
        check("zstd", [zstd(&TEXT[..9]), zstd(&TEXT[9..])].concat(), text);
        check("zstd, gzip", gzip(&zstd(TEXT)), text);
    }

    #[test]
    fn bombs_stop_at_the_limit() {
        let zeros = vec![0; 4 << 20];
        for (header, body) in [("gzip", gzip(&zeros)), ("deflate", zlib(&zeros)), ("zstd", zstd(&zeros))] {
            assert!(body.len() < 100_000);
            check(header, body, "over 1000 bytes");
        }
        check("gzip, gzip", gzip(&gzip(&zeros)), "over 1000 bytes");
    }

    #[test]
    fn nonsense_is_told_apart() {
        check("lzma", TEXT.to_vec(), "\"lzma\" is unknown");
        check("gzip, gzip, gzip", TEXT.to_vec(), "more than 2");
        check("gzip", TEXT.to_vec(), "gzip data is broken");
        check("br", b"\xff\xff\xff".to_vec(), "br data is broken");
        check("zstd", TEXT.to_vec(), "zstd data is broken");
        let cut = gzip(&vec![7; 500]);
        check("gzip", cut[..cut.len() / 2].to_vec(), "gzip data is broken");
    }
}
