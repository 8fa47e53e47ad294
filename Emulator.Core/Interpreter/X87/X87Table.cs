using Emulator.Core.Cpu;
using Iced.Intel;
using A = Emulator.Core.Interpreter.X87ArithmeticHandlers;
using C = Emulator.Core.Interpreter.X87ControlHandlers;
using F = Emulator.Core.Interpreter.X87FunctionHandlers;
using M = Emulator.Core.Interpreter.X87MoveHandlers;
using Q = Emulator.Core.Interpreter.X87CompareHandlers;

namespace Emulator.Core.Interpreter;

/// <summary>Rows of the x87 instructions. FISTTP is missing: it came with SSE3.</summary>
internal static unsafe class X87Table
{
    /// <summary>Fills the rows.</summary>
    /// <param name="table">The table.</param>
    public static void Register(InstructionTable table)
    {
        RegisterArithmetic(table);
        RegisterComparisons(table);
        RegisterMoves(table);
        RegisterFunctions(table);
        RegisterControl(table);
    }

    private static void RegisterArithmetic(InstructionTable t)
    {
        t.Add(Code.Fadd_st0_sti, &A.ToTop<A.Add>, InstructionTraits.X87);
        t.Add(Code.Fadd_sti_st0, &A.ToOther<A.Add, A.Keeping>, InstructionTraits.X87);
        t.Add(Code.Faddp_sti_st0, &A.ToOther<A.Add, A.Popping>, InstructionTraits.X87);
        t.AddMemory(Code.Fadd_m32fp, &A.FromMemory<A.Add, float, Flat>, &A.FromMemory<A.Add, float, General>, InstructionTraits.X87);
        t.AddMemory(Code.Fadd_m64fp, &A.FromMemory<A.Add, double, Flat>, &A.FromMemory<A.Add, double, General>, InstructionTraits.X87);
        t.AddMemory(Code.Fiadd_m16int, &A.FromMemory<A.Add, short, Flat>, &A.FromMemory<A.Add, short, General>, InstructionTraits.X87);
        t.AddMemory(Code.Fiadd_m32int, &A.FromMemory<A.Add, int, Flat>, &A.FromMemory<A.Add, int, General>, InstructionTraits.X87);
        t.Add(Code.Fmul_st0_sti, &A.ToTop<A.Multiply>, InstructionTraits.X87);
        t.Add(Code.Fmul_sti_st0, &A.ToOther<A.Multiply, A.Keeping>, InstructionTraits.X87);
        t.Add(Code.Fmulp_sti_st0, &A.ToOther<A.Multiply, A.Popping>, InstructionTraits.X87);
        t.AddMemory(Code.Fmul_m32fp, &A.FromMemory<A.Multiply, float, Flat>, &A.FromMemory<A.Multiply, float, General>, InstructionTraits.X87);
        t.AddMemory(Code.Fmul_m64fp, &A.FromMemory<A.Multiply, double, Flat>, &A.FromMemory<A.Multiply, double, General>, InstructionTraits.X87);
        t.AddMemory(Code.Fimul_m16int, &A.FromMemory<A.Multiply, short, Flat>, &A.FromMemory<A.Multiply, short, General>, InstructionTraits.X87);
        t.AddMemory(Code.Fimul_m32int, &A.FromMemory<A.Multiply, int, Flat>, &A.FromMemory<A.Multiply, int, General>, InstructionTraits.X87);
        t.Add(Code.Fsub_st0_sti, &A.ToTop<A.Subtract>, InstructionTraits.X87);
        t.Add(Code.Fsub_sti_st0, &A.ToOther<A.Subtract, A.Keeping>, InstructionTraits.X87);
        t.Add(Code.Fsubp_sti_st0, &A.ToOther<A.Subtract, A.Popping>, InstructionTraits.X87);
        t.AddMemory(Code.Fsub_m32fp, &A.FromMemory<A.Subtract, float, Flat>, &A.FromMemory<A.Subtract, float, General>, InstructionTraits.X87);
        t.AddMemory(Code.Fsub_m64fp, &A.FromMemory<A.Subtract, double, Flat>, &A.FromMemory<A.Subtract, double, General>, InstructionTraits.X87);
        t.AddMemory(Code.Fisub_m16int, &A.FromMemory<A.Subtract, short, Flat>, &A.FromMemory<A.Subtract, short, General>, InstructionTraits.X87);
        t.AddMemory(Code.Fisub_m32int, &A.FromMemory<A.Subtract, int, Flat>, &A.FromMemory<A.Subtract, int, General>, InstructionTraits.X87);
        t.Add(Code.Fsubr_st0_sti, &A.ToTop<A.SubtractReverse>, InstructionTraits.X87);
        t.Add(Code.Fsubr_sti_st0, &A.ToOther<A.SubtractReverse, A.Keeping>, InstructionTraits.X87);
        t.Add(Code.Fsubrp_sti_st0, &A.ToOther<A.SubtractReverse, A.Popping>, InstructionTraits.X87);
        t.AddMemory(Code.Fsubr_m32fp, &A.FromMemory<A.SubtractReverse, float, Flat>, &A.FromMemory<A.SubtractReverse, float, General>, InstructionTraits.X87);
        t.AddMemory(Code.Fsubr_m64fp, &A.FromMemory<A.SubtractReverse, double, Flat>, &A.FromMemory<A.SubtractReverse, double, General>, InstructionTraits.X87);
        t.AddMemory(Code.Fisubr_m16int, &A.FromMemory<A.SubtractReverse, short, Flat>, &A.FromMemory<A.SubtractReverse, short, General>, InstructionTraits.X87);
        t.AddMemory(Code.Fisubr_m32int, &A.FromMemory<A.SubtractReverse, int, Flat>, &A.FromMemory<A.SubtractReverse, int, General>, InstructionTraits.X87);
        t.Add(Code.Fdiv_st0_sti, &A.ToTop<A.Divide>, InstructionTraits.X87);
        t.Add(Code.Fdiv_sti_st0, &A.ToOther<A.Divide, A.Keeping>, InstructionTraits.X87);
        t.Add(Code.Fdivp_sti_st0, &A.ToOther<A.Divide, A.Popping>, InstructionTraits.X87);
        t.AddMemory(Code.Fdiv_m32fp, &A.FromMemory<A.Divide, float, Flat>, &A.FromMemory<A.Divide, float, General>, InstructionTraits.X87);
        t.AddMemory(Code.Fdiv_m64fp, &A.FromMemory<A.Divide, double, Flat>, &A.FromMemory<A.Divide, double, General>, InstructionTraits.X87);
        t.AddMemory(Code.Fidiv_m16int, &A.FromMemory<A.Divide, short, Flat>, &A.FromMemory<A.Divide, short, General>, InstructionTraits.X87);
        t.AddMemory(Code.Fidiv_m32int, &A.FromMemory<A.Divide, int, Flat>, &A.FromMemory<A.Divide, int, General>, InstructionTraits.X87);
        t.Add(Code.Fdivr_st0_sti, &A.ToTop<A.DivideReverse>, InstructionTraits.X87);
        t.Add(Code.Fdivr_sti_st0, &A.ToOther<A.DivideReverse, A.Keeping>, InstructionTraits.X87);
        t.Add(Code.Fdivrp_sti_st0, &A.ToOther<A.DivideReverse, A.Popping>, InstructionTraits.X87);
        t.AddMemory(Code.Fdivr_m32fp, &A.FromMemory<A.DivideReverse, float, Flat>, &A.FromMemory<A.DivideReverse, float, General>, InstructionTraits.X87);
        t.AddMemory(Code.Fdivr_m64fp, &A.FromMemory<A.DivideReverse, double, Flat>, &A.FromMemory<A.DivideReverse, double, General>, InstructionTraits.X87);
        t.AddMemory(Code.Fidivr_m16int, &A.FromMemory<A.DivideReverse, short, Flat>, &A.FromMemory<A.DivideReverse, short, General>, InstructionTraits.X87);
        t.AddMemory(Code.Fidivr_m32int, &A.FromMemory<A.DivideReverse, int, Flat>, &A.FromMemory<A.DivideReverse, int, General>, InstructionTraits.X87);
    }

    private static void RegisterComparisons(InstructionTable t)
    {
        t.Add(Code.Fcom_st0_sti, &Q.Compare<Q.Signaling, Q.PopNone>, InstructionTraits.X87);
        t.Add(Code.Fcom_st0_sti_DCD0, &Q.Compare<Q.Signaling, Q.PopNone>, InstructionTraits.X87);
        t.Add(Code.Fcomp_st0_sti, &Q.Compare<Q.Signaling, Q.PopOne>, InstructionTraits.X87);
        t.Add(Code.Fcomp_st0_sti_DCD8, &Q.Compare<Q.Signaling, Q.PopOne>, InstructionTraits.X87);
        t.Add(Code.Fcomp_st0_sti_DED0, &Q.Compare<Q.Signaling, Q.PopOne>, InstructionTraits.X87);
        t.Add(Code.Fucom_st0_sti, &Q.Compare<Q.Quiet, Q.PopNone>, InstructionTraits.X87);
        t.Add(Code.Fucomp_st0_sti, &Q.Compare<Q.Quiet, Q.PopOne>, InstructionTraits.X87);
        t.Add(Code.Fcompp, &Q.ComparePopBoth<Q.Signaling>, InstructionTraits.X87);
        t.Add(Code.Fucompp, &Q.ComparePopBoth<Q.Quiet>, InstructionTraits.X87);
        t.Add(Code.Fcomi_st0_sti, &Q.CompareToFlags<Q.Signaling, Q.PopNone>, InstructionTraits.X87, CpuFeatures.Cmov);
        t.Add(Code.Fcomip_st0_sti, &Q.CompareToFlags<Q.Signaling, Q.PopOne>, InstructionTraits.X87, CpuFeatures.Cmov);
        t.Add(Code.Fucomi_st0_sti, &Q.CompareToFlags<Q.Quiet, Q.PopNone>, InstructionTraits.X87, CpuFeatures.Cmov);
        t.Add(Code.Fucomip_st0_sti, &Q.CompareToFlags<Q.Quiet, Q.PopOne>, InstructionTraits.X87, CpuFeatures.Cmov);
        t.AddMemory(Code.Fcom_m32fp, &Q.CompareMemory<float, Q.PopNone, Flat>, &Q.CompareMemory<float, Q.PopNone, General>, InstructionTraits.X87);
        t.AddMemory(Code.Fcomp_m32fp, &Q.CompareMemory<float, Q.PopOne, Flat>, &Q.CompareMemory<float, Q.PopOne, General>, InstructionTraits.X87);
        t.AddMemory(Code.Fcom_m64fp, &Q.CompareMemory<double, Q.PopNone, Flat>, &Q.CompareMemory<double, Q.PopNone, General>, InstructionTraits.X87);
        t.AddMemory(Code.Fcomp_m64fp, &Q.CompareMemory<double, Q.PopOne, Flat>, &Q.CompareMemory<double, Q.PopOne, General>, InstructionTraits.X87);
        t.AddMemory(Code.Ficom_m16int, &Q.CompareMemory<short, Q.PopNone, Flat>, &Q.CompareMemory<short, Q.PopNone, General>, InstructionTraits.X87);
        t.AddMemory(Code.Ficomp_m16int, &Q.CompareMemory<short, Q.PopOne, Flat>, &Q.CompareMemory<short, Q.PopOne, General>, InstructionTraits.X87);
        t.AddMemory(Code.Ficom_m32int, &Q.CompareMemory<int, Q.PopNone, Flat>, &Q.CompareMemory<int, Q.PopNone, General>, InstructionTraits.X87);
        t.AddMemory(Code.Ficomp_m32int, &Q.CompareMemory<int, Q.PopOne, Flat>, &Q.CompareMemory<int, Q.PopOne, General>, InstructionTraits.X87);
        t.Add(Code.Ftst, &Q.Test, InstructionTraits.X87);
        t.Add(Code.Fxam, &Q.Examine, InstructionTraits.X87);
        t.Add(Code.Fcmovb_st0_sti, &Q.Move<Q.Below>, InstructionTraits.X87, CpuFeatures.Cmov);
        t.Add(Code.Fcmovnb_st0_sti, &Q.Move<Q.NotBelow>, InstructionTraits.X87, CpuFeatures.Cmov);
        t.Add(Code.Fcmove_st0_sti, &Q.Move<Q.Equal>, InstructionTraits.X87, CpuFeatures.Cmov);
        t.Add(Code.Fcmovne_st0_sti, &Q.Move<Q.NotEqual>, InstructionTraits.X87, CpuFeatures.Cmov);
        t.Add(Code.Fcmovbe_st0_sti, &Q.Move<Q.BelowOrEqual>, InstructionTraits.X87, CpuFeatures.Cmov);
        t.Add(Code.Fcmovnbe_st0_sti, &Q.Move<Q.Above>, InstructionTraits.X87, CpuFeatures.Cmov);
        t.Add(Code.Fcmovu_st0_sti, &Q.Move<Q.Unordered>, InstructionTraits.X87, CpuFeatures.Cmov);
        t.Add(Code.Fcmovnu_st0_sti, &Q.Move<Q.Ordered>, InstructionTraits.X87, CpuFeatures.Cmov);
    }

    private static void RegisterMoves(InstructionTable t)
    {
        t.AddMemory(Code.Fld_m32fp, &M.Load<float, Flat>, &M.Load<float, General>, InstructionTraits.X87);
        t.AddMemory(Code.Fld_m64fp, &M.Load<double, Flat>, &M.Load<double, General>, InstructionTraits.X87);
        t.AddMemory(Code.Fild_m16int, &M.Load<short, Flat>, &M.Load<short, General>, InstructionTraits.X87);
        t.AddMemory(Code.Fild_m32int, &M.Load<int, Flat>, &M.Load<int, General>, InstructionTraits.X87);
        t.AddMemory(Code.Fild_m64int, &M.Load<long, Flat>, &M.Load<long, General>, InstructionTraits.X87);
        t.AddMemory(Code.Fld_m80fp, &M.LoadWide<M.Extended, Flat>, &M.LoadWide<M.Extended, General>, InstructionTraits.X87);
        t.AddMemory(Code.Fbld_m80bcd, &M.LoadWide<M.PackedDecimal, Flat>, &M.LoadWide<M.PackedDecimal, General>, InstructionTraits.X87);
        t.Add(Code.Fld_sti, &M.LoadRegister, InstructionTraits.X87);
        t.Add(Code.Fld1, &M.LoadConstant<M.One>, InstructionTraits.X87);
        t.Add(Code.Fldz, &M.LoadConstant<M.Zero>, InstructionTraits.X87);
        t.Add(Code.Fldpi, &M.LoadConstant<M.Pi>, InstructionTraits.X87);
        t.Add(Code.Fldl2e, &M.LoadConstant<M.Log2E>, InstructionTraits.X87);
        t.Add(Code.Fldl2t, &M.LoadConstant<M.Log2Ten>, InstructionTraits.X87);
        t.Add(Code.Fldlg2, &M.LoadConstant<M.Log10Two>, InstructionTraits.X87);
        t.Add(Code.Fldln2, &M.LoadConstant<M.LnTwo>, InstructionTraits.X87);
        t.AddMemory(Code.Fst_m32fp, &M.Store<float, A.Keeping, Flat>, &M.Store<float, A.Keeping, General>, InstructionTraits.X87);
        t.AddMemory(Code.Fst_m64fp, &M.Store<double, A.Keeping, Flat>, &M.Store<double, A.Keeping, General>, InstructionTraits.X87);
        t.AddMemory(Code.Fstp_m32fp, &M.Store<float, A.Popping, Flat>, &M.Store<float, A.Popping, General>, InstructionTraits.X87);
        t.AddMemory(Code.Fstp_m64fp, &M.Store<double, A.Popping, Flat>, &M.Store<double, A.Popping, General>, InstructionTraits.X87);
        t.AddMemory(Code.Fist_m16int, &M.Store<short, A.Keeping, Flat>, &M.Store<short, A.Keeping, General>, InstructionTraits.X87);
        t.AddMemory(Code.Fist_m32int, &M.Store<int, A.Keeping, Flat>, &M.Store<int, A.Keeping, General>, InstructionTraits.X87);
        t.AddMemory(Code.Fistp_m16int, &M.Store<short, A.Popping, Flat>, &M.Store<short, A.Popping, General>, InstructionTraits.X87);
        t.AddMemory(Code.Fistp_m32int, &M.Store<int, A.Popping, Flat>, &M.Store<int, A.Popping, General>, InstructionTraits.X87);
        t.AddMemory(Code.Fistp_m64int, &M.Store<long, A.Popping, Flat>, &M.Store<long, A.Popping, General>, InstructionTraits.X87);
        t.AddMemory(Code.Fstp_m80fp, &M.StoreWide<M.Extended, Flat>, &M.StoreWide<M.Extended, General>, InstructionTraits.X87);
        t.AddMemory(Code.Fbstp_m80bcd, &M.StoreWide<M.PackedDecimal, Flat>, &M.StoreWide<M.PackedDecimal, General>, InstructionTraits.X87);
        t.Add(Code.Fst_sti, &M.StoreRegister<A.Keeping>, InstructionTraits.X87);
        t.Add(Code.Fstp_sti, &M.StoreRegister<A.Popping>, InstructionTraits.X87);
        t.Add(Code.Fstp_sti_DFD0, &M.StoreRegister<A.Popping>, InstructionTraits.X87);
        t.Add(Code.Fstp_sti_DFD8, &M.StoreRegister<A.Popping>, InstructionTraits.X87);
        t.Add(Code.Fstpnce_sti, &M.StoreRegisterNoCheck, InstructionTraits.X87);
        t.Add(Code.Fxch_st0_sti, &M.Exchange, InstructionTraits.X87);
        t.Add(Code.Fxch_st0_sti_DDC8, &M.Exchange, InstructionTraits.X87);
        t.Add(Code.Fxch_st0_sti_DFC8, &M.Exchange, InstructionTraits.X87);
        t.Add(Code.Ffree_sti, &M.Free, InstructionTraits.X87);
        t.Add(Code.Ffreep_sti, &M.FreePop, InstructionTraits.X87);
        t.Add(Code.Fincstp, &M.IncrementTop, InstructionTraits.X87);
        t.Add(Code.Fdecstp, &M.DecrementTop, InstructionTraits.X87);
    }

    private static void RegisterFunctions(InstructionTable t)
    {
        t.Add(Code.Fsqrt, &F.Unary<F.SquareRoot>, InstructionTraits.X87);
        t.Add(Code.Frndint, &F.Unary<F.RoundToInteger>, InstructionTraits.X87);
        t.Add(Code.F2xm1, &F.Unary<F.TwoToXMinusOne>, InstructionTraits.X87);
        t.Add(Code.Fsin, &F.Angle<F.Sine>, InstructionTraits.X87);
        t.Add(Code.Fcos, &F.Angle<F.Cosine>, InstructionTraits.X87);
        t.Add(Code.Fsincos, &F.AnglePair<F.SineCosine>, InstructionTraits.X87);
        t.Add(Code.Fptan, &F.AnglePair<F.Tangent>, InstructionTraits.X87);
        t.Add(Code.Fxtract, &F.Extract, InstructionTraits.X87);
        t.Add(Code.Fscale, &F.Binary<F.Scale>, InstructionTraits.X87);
        t.Add(Code.Fpatan, &F.BinaryPop<F.ArcTangent>, InstructionTraits.X87);
        t.Add(Code.Fyl2x, &F.BinaryPop<F.YLog2X>, InstructionTraits.X87);
        t.Add(Code.Fyl2xp1, &F.BinaryPop<F.YLog2XPlusOne>, InstructionTraits.X87);
        t.Add(Code.Fprem, &F.PartialRemainder, InstructionTraits.X87);
        t.Add(Code.Fprem1, &F.NearestRemainder, InstructionTraits.X87);
        t.Add(Code.Fabs, &F.Absolute, InstructionTraits.X87);
        t.Add(Code.Fchs, &F.ChangeSign, InstructionTraits.X87);
    }

    private static void RegisterControl(InstructionTable t)
    {
        t.Add(Code.Wait, &C.Wait);
        t.Add(Code.Fnop, &C.NoOperation, InstructionTraits.X87);
        t.Add(Code.Fneni, &C.Ignored);
        t.Add(Code.Fndisi, &C.Ignored);
        t.Add(Code.Fnsetpm, &C.Ignored);
        t.Add(Code.Fninit, &C.Initialize);
        t.Add(Code.Fnclex, &C.ClearExceptions);
        t.Add(Code.Fnstsw_AX, &C.StoreStatusToAx);
        t.AddMemory(Code.Fldcw_m2byte, &C.LoadControl<Flat>, &C.LoadControl<General>);
        t.AddMemory(Code.Fnstcw_m2byte, &C.StoreControl<Flat>, &C.StoreControl<General>);
        t.AddMemory(Code.Fnstsw_m2byte, &C.StoreStatus<Flat>, &C.StoreStatus<General>);
        t.AddMemory(Code.Fnstenv_m14byte, &C.StoreEnvironment<C.Narrow, Flat>, &C.StoreEnvironment<C.Narrow, General>);
        t.AddMemory(Code.Fnstenv_m28byte, &C.StoreEnvironment<C.Wide, Flat>, &C.StoreEnvironment<C.Wide, General>);
        t.AddMemory(Code.Fldenv_m14byte, &C.LoadEnvironment<C.Narrow, Flat>, &C.LoadEnvironment<C.Narrow, General>);
        t.AddMemory(Code.Fldenv_m28byte, &C.LoadEnvironment<C.Wide, Flat>, &C.LoadEnvironment<C.Wide, General>);
        t.AddMemory(Code.Fnsave_m94byte, &C.Save<C.Narrow, Flat>, &C.Save<C.Narrow, General>);
        t.AddMemory(Code.Fnsave_m108byte, &C.Save<C.Wide, Flat>, &C.Save<C.Wide, General>);
        t.AddMemory(Code.Frstor_m94byte, &C.Restore<C.Narrow, Flat>, &C.Restore<C.Narrow, General>);
        t.AddMemory(Code.Frstor_m108byte, &C.Restore<C.Wide, Flat>, &C.Restore<C.Wide, General>);
    }
}
