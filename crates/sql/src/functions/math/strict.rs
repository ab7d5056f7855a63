//! Functions whose last digit follows the method that Java's `StrictMath` is bound to (fdlibm's, by K. C. Ng).

const LN2_HIGH: f64 = 6.931_471_803_691_238e-1;
const LN2_LOW: f64 = 1.908_214_929_270_587_7e-10;
const HALF_LN2: f64 = 0.346_573_590_279_972_6;
/// Above this a cosh is half of an exp.
const COSH_LARGE: f64 = 22.0;

/// e^x: x is split into k·ln2 + r, and e^r comes from a rational approximation.
pub(super) fn exp(x: f64) -> f64 {
    if x.is_nan() || !(-745.133_219_101_941_1..=709.782_712_893_384).contains(&x) {
        return x.exp();
    }
    let size = x.abs();
    if size < 3.725_290_298_461_914e-9 {
        return 1.0 + x;
    }
    let (k, high, low) = if size <= HALF_LN2 {
        (0, x, 0.0)
    } else {
        let k = if size < 3.0 * HALF_LN2 {
            x.signum() as i32
        } else {
            (std::f64::consts::LOG2_E * x + 0.5f64.copysign(x)) as i32
        };
        let steps = f64::from(k);
        (k, x - steps * LN2_HIGH, steps * LN2_LOW)
    };
    let r = high - low;
    let t = r * r;
    let polynomial = 1.666_666_666_666_660_2e-1
        + t * (-2.777_777_777_701_559_3e-3
            + t * (6.613_756_321_437_934e-5
                + t * (-1.653_390_220_546_525_2e-6 + t * 4.138_136_797_057_238_5e-8)));
    let c = r - t * polynomial;
    if k == 0 {
        return 1.0 - ((r * c) / (c - 2.0) - r);
    }
    let y = 1.0 - ((low - (r * c) / (2.0 - c)) - high);
    // In two steps, so that neither power leaves the range of a double.
    let half = k / 2;
    y * 2f64.powi(half) * 2f64.powi(k - half)
}

/// The natural logarithm: x is 2^k·(1+f), and log(1+f) comes from a polynomial in f/(2+f).
pub(super) fn ln(x: f64) -> f64 {
    const TWO_TO_54: f64 = 1.801_439_850_948_198_4e16;
    if x.is_nan() || x <= 0.0 || x.is_infinite() {
        return x.ln();
    }
    let (x, mut k) = if x < f64::MIN_POSITIVE {
        (x * TWO_TO_54, -54)
    } else {
        (x, 0)
    };
    let high = (x.to_bits() >> 32) as i32;
    k += (high >> 20) - 1023;
    let mantissa = high & 0x000f_ffff;
    // Halves x if that brings it nearer to one.
    let shift = (mantissa + 0x9_5f64) & 0x10_0000;
    let exponent = (mantissa | (shift ^ 0x3ff0_0000)) as u64;
    let x = f64::from_bits(exponent << 32 | x.to_bits() & 0xffff_ffff);
    k += shift >> 20;
    let (steps, f) = (f64::from(k), x - 1.0);
    if (0x000f_ffff & (2 + mantissa)) < 3 {
        if f == 0.0 {
            return if k == 0 {
                0.0
            } else {
                steps * LN2_HIGH + steps * LN2_LOW
            };
        }
        let r = f * f * (0.5 - 0.333_333_333_333_333_3 * f);
        return if k == 0 {
            f - r
        } else {
            steps * LN2_HIGH - ((r - steps * LN2_LOW) - f)
        };
    }
    let s = f / (2.0 + f);
    let z = s * s;
    let w = z * z;
    let even = w
        * (3.999_999_999_940_942e-1
            + w * (2.222_219_843_214_978_4e-1 + w * 1.531_383_769_920_937_3e-1));
    let odd = z
        * (6.666_666_666_666_735e-1
            + w * (2.857_142_874_366_239e-1
                + w * (1.818_357_216_161_805e-1 + w * 1.479_819_860_511_658_6e-1)));
    let r = odd + even;
    if ((mantissa - 0x6_147a) | (0x6_b851 - mantissa)) > 0 {
        let half_square = 0.5 * f * f;
        if k == 0 {
            return f - (half_square - s * (half_square + r));
        }
        let rest = half_square - (s * (half_square + r) + steps * LN2_LOW);
        return steps * LN2_HIGH - (rest - f);
    }
    if k == 0 {
        return f - s * (f - r);
    }
    steps * LN2_HIGH - ((s * (f - r) - steps * LN2_LOW) - f)
}

pub(super) fn cosh(x: f64) -> f64 {
    let size = x.abs();
    if size < HALF_LN2 {
        let t = size.exp_m1();
        let w = 1.0 + t;
        return 1.0 + (t * t) / (w + w);
    }
    if size < COSH_LARGE {
        let t = exp(size);
        return 0.5 * t + 0.5 / t;
    }
    x.cosh()
}
