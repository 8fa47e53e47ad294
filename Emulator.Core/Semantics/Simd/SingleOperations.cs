namespace Emulator.Core.Semantics.Simd;

/// <summary>An operation on one single-precision lane, for code that is generic over the operation.</summary>
internal interface ISingleOperation
{
    /// <summary>
    /// The result; exceptions are added to <paramref name="raised"/>. Unary operations look at <paramref name="b"/> only.
    /// </summary>
    static abstract uint Apply(uint a, uint b, uint mxcsr, ref uint raised);

    /// <summary>Whether <see cref="Host"/> may stand for the operation; see <see cref="HostArithmetic"/>.</summary>
    static abstract bool HasHost { get; }

    /// <summary>The operation as the host computes it, to nearest.</summary>
    static abstract float Host(float a, float b);
}

/// <inheritdoc cref="ScalarSingle.Add"/>
internal readonly struct SingleAdd : ISingleOperation
{
    public static uint Apply(uint a, uint b, uint mxcsr, ref uint raised) => ScalarSingle.Add(a, b, mxcsr, ref raised);

    public static bool HasHost => true;

    public static float Host(float a, float b) => (float)(a + b);
}

/// <inheritdoc cref="ScalarSingle.Subtract"/>
internal readonly struct SingleSubtract : ISingleOperation
{
    public static uint Apply(uint a, uint b, uint mxcsr, ref uint raised) => ScalarSingle.Subtract(a, b, mxcsr, ref raised);

    public static bool HasHost => true;

    public static float Host(float a, float b) => (float)(a - b);
}

/// <inheritdoc cref="ScalarSingle.Multiply"/>
internal readonly struct SingleMultiply : ISingleOperation
{
    public static uint Apply(uint a, uint b, uint mxcsr, ref uint raised) => ScalarSingle.Multiply(a, b, mxcsr, ref raised);

    public static bool HasHost => true;

    public static float Host(float a, float b) => (float)(a * b);
}

/// <inheritdoc cref="ScalarSingle.Divide"/>
internal readonly struct SingleDivide : ISingleOperation
{
    public static uint Apply(uint a, uint b, uint mxcsr, ref uint raised) => ScalarSingle.Divide(a, b, mxcsr, ref raised);

    public static bool HasHost => true;

    public static float Host(float a, float b) => (float)(a / b);
}

/// <inheritdoc cref="ScalarSingle.SquareRoot"/>
internal readonly struct SingleSquareRoot : ISingleOperation
{
    public static uint Apply(uint a, uint b, uint mxcsr, ref uint raised) => ScalarSingle.SquareRoot(b, mxcsr, ref raised);

    public static bool HasHost => true;

    public static float Host(float a, float b) => MathF.Sqrt(b);
}

/// <inheritdoc cref="ScalarSingle.Min"/>
internal readonly struct SingleMin : ISingleOperation
{
    public static uint Apply(uint a, uint b, uint mxcsr, ref uint raised) => ScalarSingle.Min(a, b, mxcsr, ref raised);

    public static bool HasHost => false;

    public static float Host(float a, float b) => b;
}

/// <inheritdoc cref="ScalarSingle.Max"/>
internal readonly struct SingleMax : ISingleOperation
{
    public static uint Apply(uint a, uint b, uint mxcsr, ref uint raised) => ScalarSingle.Max(a, b, mxcsr, ref raised);

    public static bool HasHost => false;

    public static float Host(float a, float b) => b;
}

/// <inheritdoc cref="Approximation.Reciprocal"/>
internal readonly struct SingleReciprocal : ISingleOperation
{
    public static uint Apply(uint a, uint b, uint mxcsr, ref uint raised) => Approximation.Reciprocal(b);

    public static bool HasHost => false;

    public static float Host(float a, float b) => b;
}

/// <inheritdoc cref="Approximation.ReciprocalSquareRoot"/>
internal readonly struct SingleReciprocalSquareRoot : ISingleOperation
{
    public static uint Apply(uint a, uint b, uint mxcsr, ref uint raised) => Approximation.ReciprocalSquareRoot(b);

    public static bool HasHost => false;

    public static float Host(float a, float b) => b;
}
