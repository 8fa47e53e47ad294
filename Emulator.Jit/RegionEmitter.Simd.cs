using System.Reflection;
using System.Reflection.Emit;
using System.Runtime.Intrinsics.X86;
using Emulator.Core.Cpu;
using Emulator.Core.Decoding;
using Emulator.Core.Semantics.Simd;
using Iced.Intel;
using Label = System.Reflection.Emit.Label;

namespace Emulator.Jit;

/// <content>
/// MMX and SSE: XMM registers in vector locals, availability, operands. XMM registers that the region's own code uses are loaded at its entry and
/// stored at its exits and around handlers that look at them; MMX registers stay in the state. See docs/JIT.md, "SSE and MMX".
/// </content>
internal sealed unsafe partial class RegionEmitter
{
    private const uint HostMxcsrMask = Mxcsr.RoundingField | Mxcsr.Precision | Mxcsr.PrecisionMask;
    private const uint HostMxcsr = Mxcsr.Precision | Mxcsr.PrecisionMask;

    private readonly LocalBuilder?[] _xmm = new LocalBuilder?[8];
    private readonly bool[] _xmmWritten = new bool[8];

    /// <summary>Lanes known here to be neither denormal nor NaN.</summary>
    private readonly SimdLanes[] _ordered = new SimdLanes[8];
    private bool _usesSse;
    private LocalBuilder? _operand;
    private LocalBuilder? _vector;

    /// <summary>Not zero: SSE instructions raise #UD or #NM.</summary>
    private LocalBuilder? _sseBarred;

    /// <summary>Not zero: as <see cref="_sseBarred"/>, or MXCSR does not let the host compute.</summary>
    private LocalBuilder? _floatBarred;

    /// <summary>What the current block has checked so far.</summary>
    private SimdNeeds _checked;

    private LocalBuilder Operand => _operand ??= _il.DeclareLocal(VectorMethods.Vector);

    private LocalBuilder Vector => _vector ??= _il.DeclareLocal(VectorMethods.Vector);

    /// <summary>Declares the locals of the XMM registers that the region's own code uses.</summary>
    private void PrepareSimd()
    {
        foreach (RegionBlock block in _region.Blocks)
        {
            foreach (Op op in block.Ops)
            {
                if (IsLoweredSimd(in op, out SimdRow? row))
                {
                    bool memory = HasMemory(in op);
                    _usesSse |= row!.Needs is SimdNeeds.Sse or SimdNeeds.Float;
                    if (row.IsXmm0 && !(memory && row.IsStore))
                    {
                        UseXmm(op.R0);
                        _xmmWritten[op.R0] |= !row.OnlyFlags;
                    }

                    if (row.IsXmm1 && !(memory && !row.IsStore))
                    {
                        UseXmm(op.R1);
                    }
                }
            }
        }

        if (_usesSse)
        {
            _sseBarred = _il.DeclareLocal(typeof(int));
            _floatBarred = _il.DeclareLocal(typeof(int));
        }
    }

    private void UseXmm(byte register) => _xmm[register] ??= _il.DeclareLocal(VectorMethods.Vector);

    private static bool IsLoweredSimd(in Op op, out SimdRow? row)
    {
        row = null;
        return (op.Flags & OpFlags.Lock) == 0 && SimdRows.TryGetValue((Code)op.Code, out row);
    }

    /// <summary>At the entry of the region: registers and what bars instructions.</summary>
    private void EmitSimdEntry()
    {
        EmitLoadBars();
        EmitLoadXmm();
    }

    /// <summary>Computes what bars SSE and floating-point instructions.</summary>
    private void EmitLoadBars()
    {
        if (!_usesSse)
        {
            return;
        }

        // (CR0 & (EM | TS)) | (~CR4 & OSFXSR)
        EmitState(StateLayout.Cr0);
        _il.Emit(OpCodes.Ldind_U4);
        _il.Emit(OpCodes.Ldc_I4, (int)(Cr0.EM | Cr0.TS));
        _il.Emit(OpCodes.And);
        EmitState(StateLayout.Cr4);
        _il.Emit(OpCodes.Ldind_U4);
        _il.Emit(OpCodes.Not);
        _il.Emit(OpCodes.Ldc_I4, (int)Cr4.OSFXSR);
        _il.Emit(OpCodes.And);
        _il.Emit(OpCodes.Or);
        _il.Emit(OpCodes.Stloc, _sseBarred!);
        EmitState(StateLayout.Mxcsr);
        _il.Emit(OpCodes.Ldind_U4);
        _il.Emit(OpCodes.Ldc_I4, (int)HostMxcsrMask);
        _il.Emit(OpCodes.And);
        _il.Emit(OpCodes.Ldc_I4, (int)HostMxcsr);
        _il.Emit(OpCodes.Xor);
        _il.Emit(OpCodes.Ldloc, _sseBarred!);
        _il.Emit(OpCodes.Or);
        _il.Emit(OpCodes.Stloc, _floatBarred!);
    }

    private void EmitLoadXmm()
    {
        for (int i = 0; i < 8; i++)
        {
            if (_xmm[i] is { } local)
            {
                EmitState(StateLayout.Xmm + (16 * i));
                _il.Emit(OpCodes.Ldobj, VectorMethods.Vector);
                _il.Emit(OpCodes.Stloc, local);
            }
        }
    }

    private void EmitStoreXmm()
    {
        for (int i = 0; i < 8; i++)
        {
            if (_xmmWritten[i])
            {
                EmitState(StateLayout.Xmm + (16 * i));
                _il.Emit(OpCodes.Ldloc, _xmm[i]!);
                _il.Emit(OpCodes.Stobj, VectorMethods.Vector);
            }
        }
    }

    /// <summary>Forgets what was known: at the start of a block.</summary>
    private void StartSimdBlock()
    {
        _checked = SimdNeeds.None;
        _mmxFrom = -1;
        _mmxEntered = false;
        Array.Clear(_ordered);
    }

    private void EmitSimdBeforeCall(in Op op)
    {
        if (TouchesSimd((Code)op.Code))
        {
            EmitStoreXmm();
        }
    }

    private void EmitSimdAfterCall(in Op op)
    {
        _mmxFrom = -1;
        _mmxEntered = false;
        bool touches = TouchesSimd((Code)op.Code);
        if (touches)
        {
            EmitLoadXmm();
            Array.Clear(_ordered);
        }

        if (touches || Lowering.EndsBlock((Code)op.Code))
        {
            EmitLoadBars();
            _checked = SimdNeeds.None;
        }
    }

    /// <summary>Whether the handler of an instruction looks at XMM registers or MXCSR, or changes them.</summary>
    private static bool TouchesSimd(Code code) =>
        code is Code.Fxsave_m512byte or Code.Fxrstor_m512byte or Code.Ldmxcsr_m32 or Code.Stmxcsr_m32
        || code.ToString().Contains("xmm", StringComparison.Ordinal);

    private bool LowerSimd(in Op op, SimdRow row) => row.Lower(this, in op, row);

    /// <summary>Leaves the region in front of the current instruction unless what it needs holds; once a block for each need.</summary>
    private void EmitNeeds(SimdNeeds needs)
    {
        if (needs == SimdNeeds.Mmx)
        {
            EmitMmxNeeds();
        }
        else if (needs > _checked)
        {
            // When one of the next instructions computes, one look serves both.
            for (int i = _index + 1; i < _block.Ops.Length && needs == SimdNeeds.Sse; i++)
            {
                Op next = _block.Ops[i];
                if (IsLoweredSimd(in next, out SimdRow? row))
                {
                    needs = row!.Needs == SimdNeeds.Float ? SimdNeeds.Float : needs;
                }
                else if (TouchesSimd((Code)next.Code))
                {
                    break;
                }
            }

            _il.Emit(OpCodes.Ldloc, needs == SimdNeeds.Float ? _floatBarred! : _sseBarred!);
            _il.Emit(OpCodes.Brtrue, MissStub());
            _checked = needs;
        }
    }

    // ---- operands ----

    /// <summary>Pushes a vector local as a vector of an element type.</summary>
    private void EmitVector(LocalBuilder vector, Type element)
    {
        _il.Emit(OpCodes.Ldloc, vector);
        EmitAs(typeof(byte), element);
    }

    private void EmitAs(Type from, Type to)
    {
        if (from != to)
        {
            _il.Emit(OpCodes.Call, VectorMethods.As(from, to));
        }
    }

    /// <summary>Calls an operation on vectors held in locals (and an immediate) and pushes its result as bytes.</summary>
    private void EmitHost(MethodInfo host, LocalBuilder first, LocalBuilder? second = null, int immediate = 0)
    {
        ParameterInfo[] parameters = host.GetParameters();
        for (int i = 0; i < parameters.Length; i++)
        {
            Type type = parameters[i].ParameterType;
            if (type.IsGenericType)
            {
                EmitVector(i == 0 ? first : second!, type.GetGenericArguments()[0]);
            }
            else
            {
                _il.Emit(OpCodes.Ldc_I4, immediate);
            }
        }

        _il.Emit(OpCodes.Call, host);
        EmitAs(host.ReturnType.GetGenericArguments()[0], typeof(byte));
    }

    /// <summary>Pushes the host address of the memory operand, checked.</summary>
    private void EmitSimdAddress(in Op op, int size, bool aligned, bool write)
    {
        EmitEffectiveAddress(in op);
        if (aligned)
        {
            _il.Emit(OpCodes.Stloc, _t);
            _il.Emit(OpCodes.Ldloc, _t);
            if (_segment != NoSegment)
            {
                EmitState(StateLayout.OfSegment(_segment, StateLayout.SegmentBase));
                _il.Emit(OpCodes.Ldind_U4);
                _il.Emit(OpCodes.Add);
            }

            _il.Emit(OpCodes.Ldc_I4, size - 1);
            _il.Emit(OpCodes.And);
            _il.Emit(OpCodes.Brtrue, MissStub());
            _il.Emit(OpCodes.Ldloc, _t);
        }

        EmitHostAddress(size, write);
    }

    /// <summary>Pushes the memory operand as a vector of bytes whose upper part is zero.</summary>
    private void EmitLoadVector(in Op op, int size, bool aligned)
    {
        EmitSimdAddress(in op, size, aligned && size == 16, write: false);
        switch (size)
        {
            case 16:
                _il.Emit(OpCodes.Ldobj, VectorMethods.Vector);
                break;
            case 8:
                _il.Emit(OpCodes.Ldind_R8);
                _il.Emit(OpCodes.Call, VectorMethods.CreateScalar(typeof(double)));
                EmitAs(typeof(double), typeof(byte));
                break;
            case 4:
                _il.Emit(OpCodes.Ldind_R4);
                _il.Emit(OpCodes.Call, VectorMethods.CreateScalar(typeof(float)));
                EmitAs(typeof(float), typeof(byte));
                break;
            default:
                _il.Emit(OpCodes.Ldind_U2);
                _il.Emit(OpCodes.Call, VectorMethods.CreateScalar(typeof(uint)));
                EmitAs(typeof(uint), typeof(byte));
                break;
        }
    }

    /// <summary>The source of an instruction: its register's local, or the memory operand in a temporary.</summary>
    private LocalBuilder EmitSource(in Op op, SimdRow row)
    {
        if (!HasMemory(in op))
        {
            return _xmm[op.R1]!;
        }

        EmitLoadVector(in op, row.Size, row.IsAligned);
        _il.Emit(OpCodes.Stloc, Operand);
        return Operand;
    }

    /// <summary>Pops a vector of bytes into an XMM register about which nothing is known then.</summary>
    private void EmitSetXmm(byte register)
    {
        _il.Emit(OpCodes.Stloc, _xmm[register]!);
        _ordered[register] = SimdLanes.None;
    }

    // ---- numbers the host may compute with ----

    /// <summary>
    /// Pushes a vector whose lanes have the top bit of the exponent set exactly for exponents in the middle half of the range (1/2^511 to 2^513,
    /// singles 1/2^63 to 2^65): an addition of half the lowest such exponent.
    /// </summary>
    private void EmitMiddle(LocalBuilder vector, Type bits)
    {
        EmitVector(vector, bits);
        if (bits == typeof(ulong))
        {
            _il.Emit(OpCodes.Ldc_I8, 1L << 61);
        }
        else
        {
            _il.Emit(OpCodes.Ldc_I4, 1 << 29);
        }

        _il.Emit(OpCodes.Call, VectorMethods.Broadcast(bits));
        _il.Emit(OpCodes.Call, VectorMethods.Binary(nameof(Sse2.Add), bits));
    }

    /// <summary>Pops a vector and pushes whether the top bit of the exponent is set in all given lanes.</summary>
    private void EmitTestLanes(SimdLanes lanes, Type bits, Type element)
    {
        EmitAs(element, typeof(ulong));
        ulong low;
        ulong high;
        if (bits == typeof(ulong))
        {
            low = (lanes & SimdLanes.Double) != 0 ? 1ul << 62 : 0;
            high = (lanes & SimdLanes.HighDouble) != 0 ? 1ul << 62 : 0;
        }
        else
        {
            low = ((lanes & SimdLanes.Single) != 0 ? 1ul << 30 : 0) | ((lanes & SimdLanes.Single1) != 0 ? 1ul << 62 : 0);
            high = (lanes & SimdLanes.HighSingles) != 0 ? 0x40000000_40000000 : 0ul;
        }

        _il.Emit(OpCodes.Ldc_I8, (long)low);
        _il.Emit(OpCodes.Ldc_I8, (long)high);
        _il.Emit(OpCodes.Call, VectorMethods.CreatePair);
        _il.Emit(OpCodes.Call, VectorMethods.TestC);
    }

    /// <summary>
    /// Checks what must hold of operands and result before the host's result counts; in a run of such instructions (<see cref="FloatRun"/>) once
    /// for all of them. What the quick test refuses gets a second look behind all blocks, without a call, so that nothing is spilled; what that
    /// refuses leaves the region in front of the instruction.
    /// </summary>
    /// <param name="row">The instruction: lanes and second look.</param>
    /// <param name="first">First operand, or null when it is not an input.</param>
    /// <param name="second">Second operand.</param>
    /// <param name="firstRegister">Number of the first operand's register, or -1.</param>
    /// <param name="secondRegister">Number of the second operand's register, or -1.</param>
    /// <param name="result">The result, or null when it needs no look.</param>
    private void EmitChecks(SimdRow row, LocalBuilder? first, LocalBuilder second, int firstRegister, int secondRegister, LocalBuilder? result)
    {
        List<LocalBuilder> operands = [];
        if (row.Operands != 0 && first is not null && !IsOrdered(firstRegister, row.Operands))
        {
            operands.Add(first);
        }

        if (row.Operands != 0 && !operands.Contains(second) && !IsOrdered(secondRegister, row.Operands))
        {
            operands.Add(second);
        }

        if (result is null && operands.Count == 0)
        {
            return;
        }

        SimdLanes lanes = row.Operands | row.Result;
        Type bits = (lanes & SimdLanes.Doubles) != 0 ? typeof(ulong) : typeof(uint);
        if (_isSecondLookOnly)
        {
            EmitSecondLook(row.Check, lanes, first, second, operands, result);
            _il.Emit(OpCodes.Brfalse, MissStub());
        }
        else
        {
            EmitQuickTest(row, lanes, bits, first, second, operands, result);
        }

        SetOrdered(firstRegister, row.Operands);
        SetOrdered(secondRegister, row.Operands);
    }

    private void EmitQuickTest(SimdRow row, SimdLanes lanes, Type bits, LocalBuilder? first, LocalBuilder second, List<LocalBuilder> operands, LocalBuilder? result)
    {
        int count = 0;
        foreach (LocalBuilder vector in result is null ? operands : [result, .. operands])
        {
            EmitMiddle(vector, bits);
            EmitAnd(count++, bits);
        }

        if (_run is not null)
        {
            EmitAddToRunTest(lanes, bits);
            return;
        }

        Label miss = MissStub();
        Label refused = row.Check == SimdCheck.None ? miss : _il.DefineLabel();
        Label fine = _il.DefineLabel();
        EmitTestLanes(lanes, bits, bits);
        _il.Emit(OpCodes.Brtrue, fine);
        _il.Emit(OpCodes.Br, refused);
        _il.MarkLabel(fine);
        if (row.Check != SimdCheck.None)
        {
            _stubs.Add(() =>
            {
                _il.MarkLabel(refused);
                EmitSecondLook(row.Check, lanes, first, second, operands, result);
                _il.Emit(OpCodes.Brtrue, fine);
                _il.Emit(OpCodes.Br, miss);
            });
        }
    }

    /// <summary>Pushes whether all given lanes pass the second look.</summary>
    private void EmitSecondLook(SimdCheck check, SimdLanes lanes, LocalBuilder? first, LocalBuilder second, List<LocalBuilder> operands, LocalBuilder? result)
    {
        bool isDouble = (lanes & SimdLanes.Doubles) != 0;
        Type element = isDouble ? typeof(double) : typeof(float);
        int count = 0;
        if (result is not null)
        {
            // Well inside the normal range, as ScalarDouble.IsSafe and ScalarSingle.IsSafe, or an exact zero.
            EmitMagnitude(result, element, nameof(Sse2.CompareGreaterThanOrEqual), isDouble ? Math.ScaleB(1, -900) : Math.ScaleB(1, -125));
            EmitMagnitude(result, element, nameof(Sse2.CompareLessThan), isDouble ? Math.ScaleB(1, 1000) : Math.ScaleB(1, 125));
            _il.Emit(OpCodes.Call, VectorMethods.Binary(nameof(Sse2.And), element));
            EmitIsZero(result, element);
            if (check is SimdCheck.Product or SimdCheck.Quotient)
            {
                EmitIsZero(first!, element);
                if (check == SimdCheck.Product)
                {
                    EmitIsZero(second, element);
                    _il.Emit(OpCodes.Call, VectorMethods.Binary(nameof(Sse2.Or), element));
                }

                _il.Emit(OpCodes.Call, VectorMethods.Binary(nameof(Sse2.And), element));
            }
            else if (check == SimdCheck.Narrowing)
            {
                EmitIsZero(second, typeof(double));
                EmitAs(typeof(double), element);
                _il.Emit(OpCodes.Call, VectorMethods.Binary(nameof(Sse2.And), element));
            }

            _il.Emit(OpCodes.Call, VectorMethods.Binary(nameof(Sse2.Or), element));
            count++;
        }

        foreach (LocalBuilder operand in operands)
        {
            // Not a NaN, not a denormal.
            EmitMagnitude(operand, element, nameof(Sse2.CompareGreaterThanOrEqual), isDouble ? Math.ScaleB(1, -1022) : Math.ScaleB(1, -126));
            EmitIsZero(operand, element);
            _il.Emit(OpCodes.Call, VectorMethods.Binary(nameof(Sse2.Or), element));
            EmitAnd(count++, element);
        }

        EmitTestLanes(lanes, isDouble ? typeof(ulong) : typeof(uint), element);
    }

    /// <summary>Pushes the comparison of magnitudes with a number.</summary>
    private void EmitMagnitude(LocalBuilder vector, Type element, string comparison, double limit)
    {
        EmitVector(vector, element);
        if (element == typeof(double))
        {
            _il.Emit(OpCodes.Ldc_I8, long.MaxValue);
            _il.Emit(OpCodes.Call, VectorMethods.Broadcast(typeof(long)));
            EmitAs(typeof(long), element);
            _il.Emit(OpCodes.Call, VectorMethods.Binary(nameof(Sse2.And), element));
            _il.Emit(OpCodes.Ldc_R8, limit);
        }
        else
        {
            _il.Emit(OpCodes.Ldc_I4, int.MaxValue);
            _il.Emit(OpCodes.Call, VectorMethods.Broadcast(typeof(int)));
            EmitAs(typeof(int), element);
            _il.Emit(OpCodes.Call, VectorMethods.Binary(nameof(Sse2.And), element));
            _il.Emit(OpCodes.Ldc_R4, (float)limit);
        }

        _il.Emit(OpCodes.Call, VectorMethods.Broadcast(element));
        _il.Emit(OpCodes.Call, VectorMethods.Binary(comparison, element));
    }

    private void EmitIsZero(LocalBuilder vector, Type element)
    {
        EmitVector(vector, element);
        _il.Emit(OpCodes.Call, VectorMethods.Zero);
        EmitAs(typeof(byte), element);
        _il.Emit(OpCodes.Call, VectorMethods.Binary(nameof(Sse2.CompareEqual), element));
    }

    private void EmitAnd(int count, Type element)
    {
        if (count != 0)
        {
            _il.Emit(OpCodes.Call, VectorMethods.Binary(nameof(Sse2.And), element));
        }
    }

    private bool IsOrdered(int register, SimdLanes lanes) => register >= 0 && (_ordered[register] & lanes) == lanes;

    private void SetOrdered(int register, SimdLanes lanes)
    {
        if (register >= 0)
        {
            _ordered[register] |= lanes;
        }
    }
}
